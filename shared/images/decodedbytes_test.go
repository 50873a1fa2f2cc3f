//go:build !race

package images

import (
	"runtime"
	"testing"
)

// TestDecodedBytes decodes images of all kinds and lays them on a white ground. All that is allocated for it, which is
// at least the peak, is within what Measure says and what does not grow with pictures.
//
// It does not run under the race detector, for which the compiler allocates more: append(b, make([]byte, n)...), by
// which bytes.Buffer grows, makes the second slice too, which it leaves out of every other program (isAppendOfMake in
// cmd/compile/internal/walk). A buffer of 8 MiB takes 4 times that by the end, and 8 times with the race detector.
func TestDecodedBytes(t *testing.T) {
	const small = 96 << 10
	for name, data := range encodedKinds(t) {
		t.Run(name, func(t *testing.T) {
			size, fault := Measure(data)
			if fault != nil {
				t.Fatal(fault.Reason())
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			picture, fault := Decode(data)
			if fault == nil {
				picture = OnWhite(picture)
			}
			runtime.ReadMemStats(&after)
			took := int64(after.TotalAlloc - before.TotalAlloc)
			t.Logf("%s: %.2f bytes a pixel, of %.2f; fault %v", size.kind,
				float64(took)/large/large, float64(size.Decoded)/large/large, fault)
			if took > size.Decoded+small {
				t.Errorf("decoding took %d bytes, and Measure says %d", took, size.Decoded)
			}
			runtime.KeepAlive(picture)
		})
	}
}
