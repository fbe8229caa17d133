package speed

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const soakOf = "soak at half of saturation, collector and sink together"

// soakScenario loads a collector and a sink for long and watches their memory
// and how far the sink is behind.
func soakScenario(ctx context.Context, s *stage, r *Report) error {
	p, err := s.pipeline(ctx, "soak")
	if err != nil {
		return err
	}
	sink, err := s.sink(ctx, p, "soak")
	if err != nil {
		return err
	}
	if _, err := sink.await(ctx, "sekisho_sink_partitions", numPartitions); err != nil {
		return err
	}
	most, err := s.saturation(ctx, p.collector)
	if err != nil {
		return err
	}
	// What that left behind is not the soak's.
	for calm := 0; calm < 5; calm++ {
		now, err := sink.spent(ctx)
		if err != nil {
			return err
		}
		if sum(now.metrics, "sekisho_sink_lag") > 0 {
			calm = 0
		}
		time.Sleep(200 * time.Millisecond)
	}
	begun := time.Now()
	watching, stop := context.WithCancel(ctx)
	watched := make(chan error, 1)
	go func() {
		watched <- watch(watching, begun, max(s.options.Soak/200, time.Second), p.collector, sink, &r.Soak)
	}()
	m, err := measure(ctx, p.collector, load{connections: latencyConnections, rate: most / 2}, 0, s.options.Soak)
	stop()
	if err = errors.Join(err, <-watched); err != nil {
		return err
	}
	v := m.values()
	v[latency999] = milliseconds(m.latency.Quantile(0.999))
	if third := len(r.Soak) / 3; third > 0 {
		first, last := r.Soak[:third], r.Soak[len(r.Soak)-third:]
		memory := func(m Moment) float64 { return m.Resident }
		v[growth] = medianOf(last, memory) - medianOf(first, memory)
		sinks := func(m Moment) float64 { return m.Sink }
		v[sinkGrowth], v[sinkResident] = medianOf(last, sinks)-medianOf(first, sinks), r.Soak[len(r.Soak)-1].Sink
		v[lag] = medianOf(last, func(m Moment) float64 { return m.Lag })
	}
	r.add(soakOf, fmt.Sprintf("%s at %.0f events/s", s.options.Soak, most/2), v)
	return errors.Join(s.end(p.collector), s.end(sink))
}

func medianOf(moments []Moment, of func(Moment) float64) float64 {
	values := make([]float64, len(moments))
	for i := range moments {
		values[i] = of(moments[i])
	}
	return median(values)
}

// watch notes the state every so often until ctx ends.
func watch(ctx context.Context, begun time.Time, every time.Duration, collector, sink *server, into *[]Moment) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		of, err := collector.spent(ctx)
		to, errSink := sink.spent(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err = errors.Join(err, errSink); err != nil {
			return err
		}
		*into = append(*into, Moment{
			Seconds: time.Since(begun).Seconds(), Resident: float64(of.resident) / (1 << 20), Sink: float64(to.resident) / (1 << 20),
			Lag: sum(to.metrics, "sekisho_sink_lag"),
		})
	}
}
