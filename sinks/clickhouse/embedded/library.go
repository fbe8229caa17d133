package embedded

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is libchdb, loaded into this process without cgo.
type library struct {
	setSignalHandlers func(enabled int32)
	versionString     func() string
	queryCmdline      func(argc int32, argv unsafe.Pointer) uintptr
	resultError       func(result uintptr) string
}

func openLibrary(path string) (*library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("cannot load %q (is it built for this platform and C library?): %w", path, err)
	}
	l := new(library)
	for name, fn := range map[string]any{
		"chdb_set_signal_handlers_enabled": &l.setSignalHandlers,
		"chdb_version":                     &l.versionString,
		"chdb_query_cmdline":               &l.queryCmdline,
		"chdb_result_error":                &l.resultError,
	} {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("%q is no libchdb that can be used here: %w", path, err)
		}
		purego.RegisterFunc(fn, symbol)
	}
	return l, nil
}

func (l *library) version() string { return l.versionString() }

// run runs clickhouse-local with these arguments until its queries have ended.
// Once per process. Errors of the queries mostly go to standard error instead.
func (l *library) run(args ...string) error {
	// The engine would take Go's handlers away, on which preemption rests.
	l.setSignalHandlers(0)
	argv := []*byte{cString("clickhouse-local")}
	for _, a := range args {
		argv = append(argv, cString(a))
	}
	argc := int32(len(argv))
	argv = append(argv, nil)
	result := l.queryCmdline(argc, unsafe.Pointer(&argv[0]))
	runtime.KeepAlive(argv)
	if result == 0 {
		return errors.New("the engine returned no result")
	}
	if msg := l.resultError(result); msg != "" {
		return errors.New(msg)
	}
	return nil
}

func cString(s string) *byte {
	b := append([]byte(s), 0)
	return &b[0]
}
