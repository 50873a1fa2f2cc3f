//go:build !race

package images

import (
	"runtime"
	"testing"
)

// TestDecodedBytes decodes images of all kinds and lays them on a white background. The allocated memory, which is at
// least the peak, is at most the memory that Measure returns and a fixed part.
//
// It does not run under the race detector, with which programs allocate more. bytes.Buffer grows by append(b,
// make([]byte, n)...). Without the race detector the compiler avoids the second slice (isAppendOfMake in
// cmd/compile/internal/walk). So a buffer that grows to 8 MiB allocates 4 times that, and 8 times with the race
// detector.
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
				t.Errorf("decoding allocated %d bytes, and Measure returned %d", took, size.Decoded)
			}
			runtime.KeepAlive(picture)
		})
	}
}
