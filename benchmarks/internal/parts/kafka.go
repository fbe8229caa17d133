package parts

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"sekisho/stream/embedded"
)

// KafkaCommand is the first argument that makes a process the embedded Kafka.
const KafkaCommand = "kafka-process"

// KafkaMain runs the embedded Kafka until it is told to stop. Its arguments are
// a directory, a port, and the address that it advertises.
func KafkaMain(arguments []string) int {
	err := func() error {
		if len(arguments) != 3 {
			return fmt.Errorf("got %d arguments, want 3", len(arguments))
		}
		port, err := strconv.Atoi(arguments[1])
		if err != nil {
			return err
		}
		k, err := embedded.StartBehind(arguments[0], port, arguments[2])
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
