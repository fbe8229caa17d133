//go:build !apache

package kafkatest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"

	"github.com/twmb/franz-go/pkg/kfake"

	"sekisho/stream/apache"
	"sekisho/stream/embedded"
)

// Apache reports whether it is Apache Kafka.
const Apache = false

// broker is the embedded Kafka.
type broker struct{ *embedded.Kafka }

func (b *broker) start(dir, advertised string) (err error) {
	b.Kafka, err = embedded.StartBehind(dir, 0, advertised)
	return err
}

// Compact has the broker forget all but the last version of each key of a
// compacted topic.
func (k *Kafka) Compact(string) error {
	k.broker.Compact()
	return nil
}

// StartSecure runs a broker to which clients connect as s says, and which no
// proxy stands before.
func StartSecure(dir string, s *apache.Security) (address string, end func(), err error) {
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.DataDir(dir)}
	if s.Certificate != "" {
		config, err := encryption(s)
		if err != nil {
			return "", nil, err
		}
		options = append(options, kfake.TLS(config))
	}
	if len(s.Users) > 0 {
		options = append(options, kfake.EnableSASL())
	}
	for name, password := range s.Users {
		for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
			options = append(options, kfake.Superuser(mechanism, name, password))
		}
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return "", nil, err
	}
	return cluster.ListenAddrs()[0], cluster.Close, nil
}

func encryption(s *apache.Security) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(s.Certificate, s.Certificate)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if s.ClientCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(s.ClientCA)
	if err != nil {
		return nil, err
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("there is no certificate in " + s.ClientCA)
	}
	return config, nil
}
