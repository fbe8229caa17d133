// Command sekisho is the consent-aware tracking gateway: every role of it is
// a subcommand, and `sekisho up` runs all of them on one machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sekisho/sinks/clickhouse/embedded"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == embedded.Command {
		os.Exit(embedded.Main(os.Args[2:]))
	}
	ctx, stop := interruptible()
	defer stop()
	err := command().ExecuteContext(ctx)
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.code)
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "sekisho: interrupted before it was done:", err)
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "sekisho:", err)
		os.Exit(1)
	}
}

// exitError ends the program with a code when all has been said.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit %d", e.code) }

// untilStopped makes a command of one that goes on until it is told to stop: then
// nothing is wrong, also when it had not begun yet. Of any other command, what it was
// to do is not done.
func untilStopped(cmd *cobra.Command) *cobra.Command {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if errors.Is(err, context.Canceled) && cmd.Context().Err() != nil {
			return nil
		}
		return err
	}
	return cmd
}

// interruptible returns a context that ends with the first SIGINT or SIGTERM.
// A second one ends the program at once.
func interruptible() (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		<-signals
		fmt.Fprintln(os.Stderr, "sekisho: aborted")
		os.Exit(130)
	}()
	return ctx, stop
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "sekisho",
		Short: "A consent-aware event-streaming tracking gateway",
		Long: `Sekisho stands between websites and apps and everything that wants their
events, asks each event for its papers (consent), and lets through only what
the user agreed to.

To try it:  sekisho up      everything on this machine, with a demo site
            sekisho demo    traffic against it, and an account of every event`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddGroup(
		&cobra.Group{ID: "try", Title: "To try it:"},
		&cobra.Group{ID: "roles", Title: "Roles of a deployment:"},
		&cobra.Group{ID: "tools", Title: "Tools:"},
	)
	root.AddCommand(
		untilStopped(upCommand()), demoCommand(), untilStopped(vendorsCommand()),
		untilStopped(collectCommand()), sinkCommand(), untilStopped(forwardCommand()), topicsCommand(), migrateCommand(),
		resetCommand(), eraseCommand(), exportCommand(), untilStopped(tailCommand()), replayCommand(), dlqCommand(), auditCommand(), explainCommand(), policyCommand(), consentCommand(), configCommand(), versionCommand(),
	)
	tellUsage(root)
	return root
}

// tellUsage has each command say how it is used when it is given too few or too
// many arguments.
func tellUsage(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		tellUsage(sub)
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return fmt.Errorf("%w; usage: %s", err, cmd.UseLine())
			}
			return nil
		}
	}
}

// group makes a command of one that only has subcommands: alone it prints its
// help, and a subcommand that it does not have is an error.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}
