package usprivacy

import "testing"

func BenchmarkDecode(b *testing.B) {
	for _, s := range []string{"1YNN", "1---", "1ynn", "nonsense"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d, _ := Decode(s)
				_ = d.OptedOut()
			}
		})
	}
}
