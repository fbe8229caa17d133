package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/stream"
)

// moveLeaders has another replica of every partition of the events topic be
// preferred, and elected.
func (s *stage) moveLeaders() error {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(s.kafka.addresses()...), Transport: transport}
	topic := stream.DefaultConfig().Topics.Events
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return fmt.Errorf("cannot move leaders: %w", err)
	}
	var assign []kafka.AlterPartitionReassignmentsRequestAssignment
	var partitions []int
	for _, t := range meta.Topics {
		for _, p := range t.Partitions {
			var replicas []int
			for _, b := range p.Replicas {
				replicas = append(replicas, b.ID)
			}
			if len(replicas) > 1 {
				replicas = append(replicas[1:], replicas[0])
			}
			partitions = append(partitions, p.ID)
			assign = append(assign, kafka.AlterPartitionReassignmentsRequestAssignment{Topic: topic, PartitionID: p.ID, BrokerIDs: replicas})
		}
	}
	moved, err := client.AlterPartitionReassignments(ctx, &kafka.AlterPartitionReassignmentsRequest{Topic: topic, Assignments: assign, Timeout: 10 * time.Second})
	if err == nil {
		err = moved.Error
	}
	if err != nil {
		return fmt.Errorf("cannot move leaders: %w", err)
	}
	elected, err := client.ElectLeaders(ctx, &kafka.ElectLeadersRequest{Topic: topic, Partitions: partitions, Timeout: 10 * time.Second})
	if err == nil && elected.Error != nil && !errors.Is(elected.Error, kafka.ElectionNotNeeded) {
		err = elected.Error
	}
	if err != nil {
		return fmt.Errorf("cannot move leaders: %w", err)
	}
	return nil
}
