package role

// running is what a role does in the background. Any number may wait for its
// end.
type running struct {
	done chan struct{}
	err  error
}

func start(do func() error) *running {
	r := &running{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = do()
	}()
	return r
}

// Done is closed when the role has ended, by itself or because it was stopped.
func (r *running) Done() <-chan struct{} { return r.done }

// Err returns the error with which the role ended. Only once Done is closed.
func (r *running) Err() error { return r.err }
