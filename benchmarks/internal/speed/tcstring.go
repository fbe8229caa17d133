package speed

import (
	"encoding/base64"
	"time"
)

// tcString is a TC string (IAB TCF 2.3) of someone who agreed to
// all purposes and to 800 vendors just now, as a platform writes it.
func tcString() string {
	var w bitWriter
	now := uint64(time.Now().Add(-time.Hour).Unix() * 10)
	const vendors = 800
	for _, field := range []struct {
		value uint64
		width int
	}{
		{2, 6}, {now, 36}, {now, 36}, {10, 12}, {1, 12}, {1, 6}, {'j' - 'a', 6}, {0, 6}, {300, 12}, {5, 6}, // policy version 5
		{1, 1}, {0, 1}, {0, 12}, // service specific; no special features
		{0xffe000, 24}, {0x7fe000 &^ 0x380000, 24}, // purposes 1 to 11; legitimate interest not in 3 to 6
		{0, 1}, {'j' - 'a', 6}, {'p' - 'a', 6},
		{vendors, 16}, {0, 1},
	} {
		w.write(field.value, field.width)
	}
	for range vendors {
		w.write(1, 1)
	}
	w.writeAll(vendors)
	w.write(0, 12) // restrictions
	var disclosed bitWriter
	disclosed.write(1, 3)
	disclosed.writeAll(vendors)
	return base64.RawURLEncoding.EncodeToString(w.bytes) + "." + base64.RawURLEncoding.EncodeToString(disclosed.bytes)
}

// writeAll writes a section that lists vendors 1 to max, as a range.
func (w *bitWriter) writeAll(max uint64) {
	w.write(max, 16)
	w.write(1, 1)
	w.write(1, 12)
	w.write(1, 1)
	w.write(1, 16)
	w.write(max, 16)
}

// bitWriter writes numbers of any width, highest bit first.
type bitWriter struct {
	bytes []byte
	n     int
}

func (w *bitWriter) write(value uint64, width int) {
	for i := width - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.bytes = append(w.bytes, 0)
		}
		w.bytes[w.n/8] |= byte(value>>i&1) << (7 - w.n%8)
		w.n++
	}
}
