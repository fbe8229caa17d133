package speed

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// chart is a drawing of values over a common axis, as bars or as lines.
type chart struct {
	title, unit, along string
	labels             []string // of bars, along the axis
	series             []series
}

type series struct {
	name string
	x, y []float64 // bars have no x
}

const (
	width, height           = 760, 380
	left, right, above, low = 76, 16, 44, 74
)

var colours = []string{"#4c6a92", "#b5553c", "#7a9a5b", "#c29b3b", "#7b5c93"}

// plot draws what there is into SVG files of a directory.
func (r *Report) plot(dir string) error {
	if dir == "" {
		return nil
	}
	charts := map[string]chart{}
	requests := chart{title: "Requests a second", unit: "requests/s", labels: subjects}
	cost := chart{title: "Processor time of a request", unit: "µs", labels: subjects}
	for _, connections := range connectionsOf {
		rate, cpu := series{name: fmt.Sprintf("%d connections", connections)}, series{name: fmt.Sprintf("%d connections", connections)}
		for _, subject := range subjects {
			v, _ := r.median(scenarioOf(connections), subject, requestsPerSecond)
			rate.y = append(rate.y, v)
			v, _ = r.median(scenarioOf(connections), subject, cpuOf)
			cpu.y = append(cpu.y, v)
		}
		requests.series, cost.series = append(requests.series, rate), append(cost.series, cpu)
	}
	if r.row(scenarioOf(connectionsOf[0]), sekisho) != nil {
		charts["requests"], charts["cpu"] = requests, cost
	}
	latency := chart{title: "Time to durable acknowledgement", unit: "ms"}
	for _, value := range []struct{ key, name string }{{latency50, "p50"}, {latency99, "p99"}, {latency999, "p99.9"}} {
		line := series{name: value.name}
		for _, row := range r.Rows {
			if row.Scenario == latencyOf {
				line.y = append(line.y, median(row.Values[value.key]))
				if value.key == latency50 {
					latency.labels = append(latency.labels, row.Subject)
				}
			}
		}
		latency.series = append(latency.series, line)
	}
	if len(latency.labels) > 0 {
		charts["latency"] = latency
	}
	for name, scenario := range map[string]string{
		"growth-registry": growthOfRegistry, "growth-sites": growthOfSites, "growth-partitions": growthOfPartitions, "growth-bytes": growthOfEvents,
	} {
		c := chart{title: "Processor time of a request; " + scenario, unit: "µs"}
		var line series
		for _, row := range r.Rows {
			if row.Scenario == scenario && len(row.Values[cpuOf]) > 0 {
				c.labels, line.y = append(c.labels, row.Subject), append(line.y, median(row.Values[cpuOf]))
			}
		}
		if c.series = []series{line}; len(c.labels) > 0 {
			charts[name] = c
		}
	}
	if len(r.Soak) > 1 {
		memory := chart{title: "Soak: resident memory", unit: "MiB", along: "seconds", series: []series{{name: "collector"}, {name: "sink"}}}
		behind := chart{title: "Soak: events that the sink is behind", unit: "events", along: "seconds", series: []series{{name: "lag"}}}
		for _, m := range r.Soak {
			for i, y := range []float64{m.Resident, m.Sink} {
				memory.series[i].x, memory.series[i].y = append(memory.series[i].x, m.Seconds), append(memory.series[i].y, y)
			}
			behind.series[0].x, behind.series[0].y = append(behind.series[0].x, m.Seconds), append(behind.series[0].y, m.Lag)
		}
		charts["soak-memory"], charts["soak-lag"] = memory, behind
	}
	for name, c := range charts {
		if err := os.WriteFile(filepath.Join(dir, name+".svg"), c.svg(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// svg draws bars when the axis has labels, and else lines.
func (c *chart) svg() []byte {
	var b bytes.Buffer
	most, end := 0.0, 0.0
	for _, s := range c.series {
		for _, y := range s.y {
			most = max(most, y)
		}
		for _, x := range s.x {
			end = max(end, x)
		}
	}
	most, step := ticks(most)
	y := func(v float64) float64 { return height - low - v/most*(height-above-low) }
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/><text x="%d" y="20" font-size="15">%s</text>`+"\n", width, height, left, html.EscapeString(c.title))
	for v := 0.0; v <= most*1.001; v += step {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", left, y(v), width-right, left-6, y(v)+4, amount(v))
	}
	fmt.Fprintf(&b, `<text x="%d" y="36" fill="#666">%s</text>`+"\n", left, html.EscapeString(c.unit))
	if len(c.labels) > 0 {
		c.bars(&b, y)
	} else {
		c.lines(&b, y, cmp.Or(end, 1))
	}
	for i, s := range c.series {
		if s.name != "" {
			at := left + i*150
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="12" height="12" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n",
				at, height-24, colours[i%len(colours)], at+18, height-14, html.EscapeString(s.name))
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (c *chart) bars(b *bytes.Buffer, y func(float64) float64) {
	slot := float64(width-left-right) / float64(len(c.labels))
	bar := slot * 0.7 / float64(len(c.series))
	for i, label := range c.labels {
		from := left + slot*(float64(i)+0.15)
		for j, s := range c.series {
			if i >= len(s.y) {
				continue
			}
			at := from + bar*float64(j)
			fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/><text x="%.1f" y="%.1f" text-anchor="middle" font-size="10">%s</text>`+"\n",
				at, y(s.y[i]), bar*0.94, y(0)-y(s.y[i]), colours[j%len(colours)], at+bar/2, y(s.y[i])-4, amount(s.y[i]))
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", left+slot*(float64(i)+0.5), height-low+18, html.EscapeString(label))
	}
}

func (c *chart) lines(b *bytes.Buffer, y func(float64) float64, end float64) {
	for i, s := range c.series {
		var path strings.Builder
		for n := range s.y {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(n, 1)], left+s.x[n]/end*(width-left-right), y(s.y[n]))
		}
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", path.String(), colours[i%len(colours)])
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s %s</text><text x="%d" y="%d">0</text>`+"\n",
		width-right, height-low+18, amount(end), html.EscapeString(c.along), left, height-low+18)
}

// ticks returns the end of an axis that goes up to at least most, and the step
// between its marks.
func ticks(most float64) (end, step float64) {
	if most <= 0 {
		return 1, 0.25
	}
	step = math.Pow(10, math.Floor(math.Log10(most)))
	for _, part := range []float64{0.2, 0.25, 0.5, 1} {
		if most/(step*part) <= 6 {
			step *= part
			break
		}
	}
	return math.Ceil(most*1.05/step) * step, step
}

// amount writes a number briefly.
func amount(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + "M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'f', 0, 64) + "k"
	case v >= 999.5: // which is 1e+03 with three digits
		return strconv.FormatFloat(v, 'f', 0, 64)
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}
