package strict

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// sample is a configuration with one key of every sort.
type sample struct {
	Site     string              `yaml:"site" doc:"Name of the service."`
	Debug    bool                `yaml:"debug"`
	Port     uint16              `yaml:"port" doc:"TCP port; 0 picks a free one."`
	Offset   int64               `yaml:"offset"`
	Ratio    float64             `yaml:"ratio"`
	Timeout  time.Duration       `yaml:"timeout"`
	Limit    Size                `yaml:"limit"`
	Since    Date                `yaml:"since"`
	Purpose  purpose             `yaml:"purpose"`
	Allow    []netip.Prefix      `yaml:"allow"`
	Kafka    kafka               `yaml:"kafka"`
	TLS      *tls                `yaml:"tls" doc:"Off when left out."`
	Sites    map[string]site     `yaml:"sites"`
	Limits   map[purpose]int     `yaml:"limits"`
	Webhooks []webhook           `yaml:"webhooks"`
	Labels   map[string][]string `yaml:"labels"`
	Sample   *float64            `yaml:"sample"`
	Compiled func()              `yaml:"-"`
	hidden   int                 //nolint:unused // not exported, so left alone
}

type kafka struct {
	Brokers  []string      `yaml:"brokers" required:"true" doc:"Addresses of the brokers."`
	Password Secret        `yaml:"password"`
	Linger   time.Duration `yaml:"linger"`
	LingerMS int           `yaml:"linger_ms"`
}

func (k *kafka) Validate(check *Check) {
	if check.Given("linger") && check.Given("linger_ms") && k.Linger != 0 && k.LingerMS != 0 {
		check.Conflict("linger_ms", "linger", "keep linger")
	}
	if slices.Contains(k.Brokers, "") {
		check.Problem(fmt.Sprintf("brokers[%d]", slices.Index(k.Brokers, "")), "", "want host:port")
	}
}

type tls struct {
	Cert string `yaml:"cert" required:"true"`
	Key  Secret `yaml:"key" required:"true"`
	Min  string `yaml:"min"`
}

func (t *tls) SetDefaults() { t.Min = "1.2" }

type site struct {
	Name      string        `yaml:"name" required:"true"`
	Retention time.Duration `yaml:"retention"`
	Purposes  []purpose     `yaml:"purposes"`
}

func (s *site) SetDefaults() { s.Retention = 90 * 24 * time.Hour }

func (s *site) Validate(check *Check) {
	if s.Retention > 400*24*time.Hour {
		check.Problem("retention", s.Retention, "want at most 400d")
	}
}

type webhook struct {
	URL   string `yaml:"url"`
	Token Secret `yaml:"token"`
}

type purpose string

var purposes = []string{"necessary", "analytics", "advertising", "social"}

func (p *purpose) UnmarshalText(in []byte) error {
	if !slices.Contains(purposes, string(in)) {
		return errors.New("not a purpose")
	}
	*p = purpose(in)
	return nil
}

func (purpose) Allowed() []string { return purposes }

func defaults() *sample {
	return &sample{
		Port: 8080, Timeout: 30 * time.Second, Limit: 64 << 10, Purpose: "necessary", Ratio: 0.5,
		Kafka: kafka{Brokers: []string{"localhost:9092"}},
	}
}

const minimal = "kafka: {brokers: [a:1]}\n"
