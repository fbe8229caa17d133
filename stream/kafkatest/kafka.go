package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/segmentio/kafka-go"
)

// Kafka is a broker with its data in a directory, behind a proxy. Its methods
// are for one goroutine at a time.
type Kafka struct {
	*Proxy
	Dir    string
	broker broker
}

// Start runs a broker on the directory; what an earlier one kept in it is there
// again. Close ends it.
func Start(dir string) (*Kafka, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	proxy, err := NewProxy()
	if err != nil {
		return nil, err
	}
	k := &Kafka{Proxy: proxy, Dir: dir}
	if err := k.Restart(); err != nil {
		proxy.Close()
		return nil, err
	}
	return k, nil
}

// Away ends the broker; connections are refused from then on.
func (k *Kafka) Away() {
	k.Proxy.Close()
	k.broker.Close()
}

// Restart starts a broker that is away, on its data and at its address.
func (k *Kafka) Restart() error {
	if err := k.broker.start(k.Dir, k.Address()); err != nil {
		return err
	}
	k.SetBroker(k.broker.Address())
	return k.Open()
}

// Close ends broker and proxy.
func (k *Kafka) Close() { k.Away() }

// client returns a client of the broker, and what ends its connections.
func (k *Kafka) client() (client *kafka.Client, end func()) {
	transport := &kafka.Transport{}
	client = &kafka.Client{Addr: kafka.TCP(k.broker.Address()), Timeout: 30 * time.Second, Transport: transport}
	return client, transport.CloseIdleConnections
}

// CreateTopic creates a topic with the given configuration.
func (k *Kafka) CreateTopic(name string, partitions int, config map[string]string) error {
	topic := kafka.TopicConfig{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}
	for key, value := range config {
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: key, ConfigValue: value})
	}
	client, end := k.client()
	defer end()
	answer, err := client.CreateTopics(context.Background(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err == nil {
		err = answer.Errors[name]
	}
	if err != nil {
		return fmt.Errorf("cannot create topic %s: %w", name, err)
	}
	return k.await(name, true)
}

// DeleteTopic deletes a topic and returns when it is gone.
func (k *Kafka) DeleteTopic(name string) error {
	client, end := k.client()
	defer end()
	answer, err := client.DeleteTopics(context.Background(), &kafka.DeleteTopicsRequest{Topics: []string{name}})
	if err == nil {
		err = answer.Errors[name]
	}
	if err != nil {
		return fmt.Errorf("cannot delete topic %s: %w", name, err)
	}
	return k.await(name, false)
}

// TopicConfig returns what is configured of a topic under the key.
func (k *Kafka) TopicConfig(topic, key string) (string, error) {
	client, end := k.client()
	defer end()
	answer, err := client.DescribeConfigs(context.Background(), &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{key}}},
	})
	if err != nil {
		return "", err
	}
	for _, r := range answer.Resources {
		for _, e := range r.ConfigEntries {
			if e.ConfigName == key {
				return e.ConfigValue, r.Error
			}
		}
	}
	return "", errors.New("it is not configured")
}

// await waits until a topic is there, with leaders, or gone.
func (k *Kafka) await(topic string, there bool) error {
	client, end := k.client()
	defer end()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		answer, err := client.Metadata(context.Background(), &kafka.MetadataRequest{Topics: []string{topic}})
		if err == nil && len(answer.Topics) == 1 {
			t := answer.Topics[0]
			ready := t.Error == nil
			for _, p := range t.Partitions {
				ready = ready && p.Leader.Host != ""
			}
			if ready == there {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("topic %s: waited in vain: %w", topic, err)
		}
	}
}
