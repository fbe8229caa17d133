package embedded

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// sessions sees to it that every member of a consumer group has a session, which
// ends when it does not send heartbeats.
//
// The broker begins a session with the answer to the member's join. When the
// member was gone by then, killed or out of patience, there is none: if others
// complete the generation, the dead member stays for ever, and nobody reads the
// partitions that they gave to it. A heartbeat begins a session too, so each
// member is given one of a generation.
type sessions struct {
	cluster *kfake.Cluster
	client  *kafka.Client

	mu    sync.Mutex
	begun map[string]int32 // the last generation in which it was done, by group
}

// serveSessions does that until end is called.
func (k *Kafka) serveSessions() {
	dialer := &net.Dialer{}
	transport := &kafka.Transport{
		// Whatever address the broker tells, a proxy's: it is here.
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, k.address)
		},
	}
	s := &sessions{
		cluster: k.cluster,
		client:  &kafka.Client{Addr: kafka.TCP(k.address), Transport: transport, Timeout: 5 * time.Second},
		begun:   map[string]int32{},
	}
	k.cluster.ControlKey(int16(kmsg.JoinGroup), func(r kmsg.Request) (kmsg.Response, error, bool) {
		s.note(r.(*kmsg.JoinGroupRequest).Group)
		return nil, nil, false
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		defer transport.CloseIdleConnections()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				s.begin(ctx)
			}
		}
	})
	k.end = func() { cancel(); running.Wait() }
}

func (s *sessions) note(group string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.begun[group]; !ok {
		s.begun[group] = -1
	}
}

// begin begins the sessions of generations that are new.
func (s *sessions) begin(ctx context.Context) {
	s.mu.Lock()
	begun := make(map[string]int32, len(s.begun))
	for group, generation := range s.begun {
		begun[group] = generation
	}
	s.mu.Unlock()
	for group, generation := range begun {
		info := s.cluster.GroupInfo(group)
		if info == nil || info.State != "Stable" || info.Epoch == generation {
			continue
		}
		done := true
		for i := range info.Members {
			_, err := s.client.Heartbeat(ctx, &kafka.HeartbeatRequest{GroupID: group, GenerationID: info.Epoch, MemberID: info.Members[i].MemberID})
			done = done && err == nil
		}
		if done {
			s.mu.Lock()
			s.begun[group] = info.Epoch
			s.mu.Unlock()
		}
	}
}
