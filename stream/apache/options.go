package apache

import (
	"errors"
	"io"
	"os"
)

// Options say what to run and where. Only Dir is required.
type Options struct {
	// Dir is the data directory; what an earlier cluster of the same size kept
	// in it is there again.
	Dir string
	// Brokers is how many, each also a controller; 0 is one. With three or more
	// a write needs two in-sync replicas to be acknowledged.
	Brokers int
	// Advertised is the address (host:port) at which clients find each broker,
	// when it is not the broker's own: a proxy's.
	Advertised []string
	// Security is how clients connect; they do so in the clear when it is nil.
	Security *Security
	// Properties are further properties of every broker.
	Properties map[string]string
	// Progress is told of a download; nil is standard error.
	Progress io.Writer
}

// Security is how clients connect.
type Security struct {
	// Certificate is the file of the brokers' key and certificate chain, in PEM;
	// no encryption when empty.
	Certificate string
	// ClientCA is the file of the authority whose certificates clients must
	// have; they need none when empty.
	ClientCA string
	// Users have a password each, with which they authenticate, by SCRAM or
	// plainly; nobody has to when there are none.
	Users map[string]string
}

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		return o, errors.New("no data directory is given")
	}
	if o.Brokers == 0 {
		o.Brokers = 1
	}
	if o.Advertised != nil && len(o.Advertised) != o.Brokers {
		return o, errors.New("there must be as many advertised addresses as brokers")
	}
	if o.Progress == nil {
		o.Progress = os.Stderr
	}
	return o, nil
}
