package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Addresses are where `sekisho up` serves. The demo site and the collector are
// URLs, the others too where they speak HTTP, else host:port.
type Addresses struct {
	Demo             string `json:"demo"`
	Collector        string `json:"collector"`
	Admin            string `json:"admin"`
	Kafka            string `json:"kafka"`
	ClickHouseHTTP   string `json:"clickhouse_http"`
	ClickHouseNative string `json:"clickhouse_native"`
	// Policy is the file of the handling policy in force.
	Policy string `json:"policy"`
	// Vendors are the stand-ins of third parties, by recipient.
	Vendors map[string]string `json:"vendors"`
}

// AddressesFile is the name under which a data directory keeps the addresses
// while `sekisho up` runs.
const AddressesFile = "addresses.json"

// Announce writes the addresses to a file, whole or not at all, so that whoever waits
// for it may read it as soon as it is there, and holds the file until withdraw removes
// it. One that nobody holds is of a process that was killed. Each process has a file of
// its own under the name, which it holds before others see it: so who looks whether it
// is held is in nobody's way, also when another process starts at that moment.
func (a Addresses) Announce(file string) (withdraw func(), err error) {
	text, err := json.MarshalIndent(a, "", "  ")
	var held *os.File
	if err == nil {
		err = Replace(file, func(f *os.File) (err error) {
			if _, err = f.Write(append(text, '\n')); err == nil {
				held, err = openLocked(f.Name())
			}
			return err
		})
	}
	if err != nil {
		held.Close() // which may be nil
		return nil, fmt.Errorf("cannot write the addresses: %w", err)
	}
	return func() { os.Remove(file); held.Close() }, nil
}

// ReadAddresses reads what a process announces that is still there.
func ReadAddresses(file string) (a Addresses, err error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return a, fmt.Errorf("%s is not there: is `sekisho up` running? Start it, or name its addresses with --addresses", file)
	}
	defer f.Close()
	var there bool
	if err == nil {
		there, err = isLocked(f)
	}
	if err == nil && !there {
		return a, fmt.Errorf("the `sekisho up` that wrote %s is gone without having ended: start it again, and wait until it is ready", file)
	}
	if err == nil {
		err = json.NewDecoder(f).Decode(&a)
	}
	if err != nil {
		return a, fmt.Errorf("cannot read the addresses: %w", err)
	}
	return a, nil
}
