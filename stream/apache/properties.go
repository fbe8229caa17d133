package apache

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// ports are where a broker listens on loopback: for clients, for the other
// brokers, and as a controller.
type ports struct{ Client, Internal, Controller int }

func (c *Cluster) properties(id int) map[string]string {
	at, replicas := c.ports[id], min(c.options.Brokers, 3)
	var voters []string
	for i, p := range c.ports {
		voters = append(voters, fmt.Sprintf("%d@%s", i+1, loopback(p.Controller)))
	}
	p := map[string]string{
		"process.roles":             "broker,controller",
		"node.id":                   strconv.Itoa(id + 1),
		"controller.quorum.voters":  strings.Join(voters, ","),
		"controller.listener.names": "CONTROLLER",
		"listeners": "CLIENT://" + loopback(at.Client) + ",INTERNAL://" + loopback(at.Internal) +
			",CONTROLLER://" + loopback(at.Controller),
		"advertised.listeners":           "CLIENT://" + c.advertised(id) + ",INTERNAL://" + loopback(at.Internal),
		"inter.broker.listener.name":     "INTERNAL",
		"listener.security.protocol.map": "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs":                       c.dataDir(id),

		"default.replication.factor":               strconv.Itoa(replicas),
		"offsets.topic.replication.factor":         strconv.Itoa(replicas),
		"transaction.state.log.replication.factor": strconv.Itoa(replicas),
		"min.insync.replicas":                      strconv.Itoa(max(replicas-1, 1)),
		"auto.create.topics.enable":                "false",

		// Quick to begin and to see that a broker is gone, for a test's patience.
		"group.initial.rebalance.delay.ms": "0",
		"offsets.topic.num.partitions":     "4",
		"broker.heartbeat.interval.ms":     "500",
		"broker.session.timeout.ms":        "4000",
		"replica.lag.time.max.ms":          "8000",
		"log.cleaner.backoff.ms":           "500",
		"num.network.threads":              "2",
		"num.io.threads":                   "4",
	}
	if s := c.options.Security; s != nil {
		maps.Copy(p, s.properties())
	}
	maps.Copy(p, c.options.Properties)
	return p
}

func (s *Security) properties() map[string]string {
	protocol, p := "PLAINTEXT", map[string]string{}
	if s.Certificate != "" {
		protocol = "SSL"
		p["listener.name.client.ssl.keystore.type"] = "PEM"
		p["listener.name.client.ssl.keystore.location"] = s.Certificate
		if s.ClientCA != "" {
			p["listener.name.client.ssl.client.auth"] = "required"
			p["listener.name.client.ssl.truststore.type"] = "PEM"
			p["listener.name.client.ssl.truststore.location"] = s.ClientCA
		}
	}
	if len(s.Users) > 0 {
		protocol = "SASL_" + protocol
		p["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
		plain := "org.apache.kafka.common.security.plain.PlainLoginModule required"
		for name, password := range s.Users {
			plain += fmt.Sprintf(" user_%s=%q", name, password)
		}
		p["listener.name.client.plain.sasl.jaas.config"] = plain + ";"
		for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
			p["listener.name.client."+mechanism+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		}
	}
	p["listener.security.protocol.map"] = "CLIENT:" + protocol + ",INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
	return p
}

func writeProperties(file string, p map[string]string) error {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&text, "%s=%s\n", key, strings.ReplaceAll(p[key], `\`, `\\`))
	}
	return os.WriteFile(file, []byte(text.String()), 0o600)
}
