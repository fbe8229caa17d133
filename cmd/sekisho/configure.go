package main

import (
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/schemas/strict"
)

// withConfig adds --config to a command.
func withConfig(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("config", "", "configuration `FILE` (YAML); every key can also be an environment variable, kafka.brokers as SEKISHO_KAFKA_BROKERS")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	return cmd
}

// load reads the configuration of a command.
func load(cmd *cobra.Command) (*config.Config, *slog.Logger, error) {
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return nil, nil, err
	}
	c := config.Default()
	if err := config.Load(file, c); err != nil {
		return nil, nil, err
	}
	return c, c.Log.Logger(os.Stderr), nil
}

func configCommand() *cobra.Command {
	return withConfig(&cobra.Command{
		Use:   "config",
		Short: "Print the effective configuration, secrets elided",
		Long: `Print the configuration that the other commands would use: the defaults, the
file, and the environment, in that order. Secrets are not shown. The output is
a configuration file to begin with.`,
		GroupID: "tools",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := load(cmd)
			if err != nil {
				return err
			}
			text, err := strict.Render(c)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	})
}
