package parts

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"

	"sekisho/stream/embedded"
)

// KafkaCommand is the first argument that makes a process the embedded Kafka.
const KafkaCommand = "kafka-process"

// Lazily as the last argument has the embedded Kafka leave to the system when
// what it has goes to disk, as Apache Kafka does; else it syncs every batch.
const Lazily = "lazily"

// KafkaMain runs the embedded Kafka until it is told to stop. Its arguments are
// a directory, a port, and the address that it advertises.
func KafkaMain(arguments []string) int {
	err := func() error {
		if len(arguments) < 3 {
			return fmt.Errorf("got %d arguments, want 3", len(arguments))
		}
		port, err := strconv.Atoi(arguments[1])
		if err != nil {
			return err
		}
		k, err := startKafka(arguments[0], port, arguments[2], arguments[3:])
		if err != nil {
			return err
		}
		defer k.Close()
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
		<-stop
		return nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func startKafka(dir string, port int, advertised string, how []string) (interface{ Close() }, error) {
	if len(how) == 0 || how[0] != Lazily {
		return embedded.StartBehind(dir, port, advertised)
	}
	return kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir))
}
