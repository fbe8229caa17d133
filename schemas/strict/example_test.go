package strict_test

import (
	"fmt"
	"os"
	"time"

	"sekisho/schemas/strict"
)

type Config struct {
	Listen string       `yaml:"listen" doc:"Address of the public listener."`
	Kafka  KafkaSection `yaml:"kafka"`
}

type KafkaSection struct {
	Brokers  []string      `yaml:"brokers" required:"true" doc:"Addresses of the brokers, host:port."`
	Linger   time.Duration `yaml:"linger" doc:"How long a batch may wait to fill."`
	Batch    strict.Size   `yaml:"batch"`
	Password strict.Secret `yaml:"password"`
}

func (k *KafkaSection) Validate(check *strict.Check) {
	if k.Linger > time.Second {
		check.Problem("linger", k.Linger, "want at most 1s")
	}
}

// The configuration comes from a file, then from the environment, then its
// secrets are fetched.
func ExampleLoad() {
	file := "kafka:\n  linger: 5ms\n  password: env:KAFKA_PASSWORD\n"
	environ := []string{"SEKISHO_KAFKA_BROKERS=a:9092,b:9092", "KAFKA_PASSWORD=hunter2"}
	lookup := func(string) (string, bool) { return "hunter2", true } // os.LookupEnv

	config := &Config{Listen: ":8080"}
	if err := strict.Load([]byte(file), config, "SEKISHO", environ, "SEKISHO_CONFIG"); err != nil {
		fmt.Println(err)
	}
	if err := strict.Resolve(config, lookup, os.ReadFile); err != nil {
		fmt.Println(err)
	}
	out, _ := strict.Render(config)
	fmt.Printf("%s%d bytes of password\n", out, len(config.Kafka.Password.Reveal()))
	// Output:
	// listen: :8080
	// kafka:
	//   brokers:
	//     - a:9092
	//     - b:9092
	//   linger: 5ms
	//   batch: 0B
	//   password: '[secret]'
	// 7 bytes of password
}

type Policy struct {
	Established strict.Date     `yaml:"established" required:"true"`
	Sites       map[string]Site `yaml:"sites" required:"true"`
}

type Site struct {
	Retention time.Duration `yaml:"retention"`
}

func (s *Site) SetDefaults() { s.Retention = 30 * 24 * time.Hour }

// A policy comes from its file alone.
func ExampleDecode() {
	file := "sites:\n  shop.example: {retantion: 90}\n  blog.example: {retention: 90}\n"
	err := strict.Decode([]byte(file), &Policy{})
	fmt.Println(err)
	// Output:
	// established: is required
	// sites["shop.example"].retantion (line 2): unknown key, did you mean "retention"? allowed: retention
	// sites["blog.example"].retention (line 3): 90: want a duration with its unit, such as 90s, 90m or 90d
}
