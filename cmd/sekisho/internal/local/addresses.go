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

// Write writes the addresses to a file, whole or not at all, so that whoever
// waits for it may read it as soon as it is there.
func (a Addresses) Write(file string) error {
	text, err := json.MarshalIndent(a, "", "  ")
	if err == nil {
		err = writeAtomic(file, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("cannot write the addresses: %w", err)
	}
	return nil
}

// ReadAddresses reads what Write wrote.
func ReadAddresses(file string) (a Addresses, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return a, fmt.Errorf("%s is not there: is `sekisho up` running? Start it, or name its addresses with --addresses", file)
	}
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		return a, fmt.Errorf("cannot read the addresses: %w", err)
	}
	return a, nil
}
