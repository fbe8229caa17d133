package spool

import "time"

// probePause is how often a spool that refuses tries whether it still must:
// nobody may send anything for long, and operators are not to be told of a state
// that is over.
const probePause = time.Second

// pruneEvery is how often it is looked whether damaged parts have been kept for
// long enough.
const pruneEvery = time.Hour

// tryAgain tries what failed before. Only the writer calls it.
func (s *Spool) tryAgain() {
	if s.refusing.Load() && s.probe() == nil {
		s.tell(nil, nil)
	}
	if s.owing.Load() {
		s.setAsideAgain()
	}
}

// probeName is no segment's, so that whoever finds it takes no notice.
const probeName = "probe"

// probe reports whether what was refused last could be taken now. Only the
// writer calls it.
func (s *Spool) probe() error {
	if err := s.reserve(costOf(s.refused)); err != nil {
		return err
	}
	s.release(costOf(s.refused))
	_ = s.fs.Remove(probeName) // of a process that was killed
	f, err := s.fs.Create(probeName)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, s.refused))
	if err == nil {
		err = f.Sync()
	}
	_ = f.Close()
	_ = s.fs.Remove(probeName)
	return err
}
