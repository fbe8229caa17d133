// Command benchmarks breaks and measures Sekisho: each benchmark is a
// subcommand.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sekisho/benchmarks/internal/parts"
	"sekisho/benchmarks/internal/speed"
	"sekisho/sinks/clickhouse/embedded"
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case embedded.Command:
			os.Exit(embedded.Main(os.Args[2:]))
		case parts.KafkaCommand:
			os.Exit(parts.KafkaMain(os.Args[2:]))
		case speed.ServerCommand:
			os.Exit(speed.ServerMain(os.Args[2:]))
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second signal ends the program at once
	err := command().ExecuteContext(ctx)
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.code)
	case err != nil:
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

// exitError ends the program with a code when all has been said.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit %d", e.code) }

func command() *cobra.Command {
	root := &cobra.Command{
		Use:               "benchmarks",
		Short:             "Break and measure Sekisho",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddCommand(faultsCommand(), speedCommand(), allocationsCommand())
	return root
}
