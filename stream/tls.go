package stream

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"sekisho/schemas/strict"
)

// TLS configures encrypted connections, to Kafka or to where a sink stores.
type TLS struct {
	Enabled     bool   `yaml:"enabled" doc:"Whether connections are encrypted."`
	CA          string `yaml:"ca" doc:"File of the certificate authorities; the system's when empty."`
	Certificate string `yaml:"certificate" doc:"File of the client's certificate, when the server asks for one."`
	Key         string `yaml:"key" doc:"File of its key."`
	ServerName  string `yaml:"server_name" doc:"Name that the server's certificate must bear, when it is not the address."`
}

// Validate reports what the types alone do not show.
func (t *TLS) Validate(check *strict.Check) {
	if (t.Certificate == "") != (t.Key == "") {
		check.Problem("key", t.Key, "tls.certificate and tls.key go together")
	}
}

// Config reads the files and returns the TLS configuration, nil for none. Its errors
// name the keys below the given one.
func (t *TLS) Config(key string) (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s.ca: %w", key, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cannot use %s.ca %s: it has no PEM certificate", key, t.CA)
		}
	}
	if t.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		if err != nil {
			return nil, fmt.Errorf("cannot use %[1]s.certificate and %[1]s.key: %[2]w", key, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
