package kinds

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/scorer/llm"
)

// TestNeed checks the memory for the largest sample with the default limits, for several configurations of scorers. A
// function with 2 GiB has enough memory.
func TestNeed(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	limits := images.Limits{
		MaxBytes: 64 * mib, MaxPixels: 100_000_000, MaxDecodedBytes: 512 * mib, MaxImages: 64, MaxSampleBytes: 256 * mib,
	}
	for name, tc := range map[string]struct {
		config     Config
		hold, step int64
	}{
		"embedded":     {Config{}, 256, 512},
		"gpu":          {Config{GPU: "http://a"}, 614, 512},
		"two sidecars": {Config{GPU: "scorer=http://a,styler=http://b"}, 972, 512},
		"llm":          {Config{LLM: llm.Config{URL: "http://a"}}, 614, 832},
	} {
		need := tc.config.need(limits)
		if need.Hold/mib != tc.hold || need.Step/mib != tc.step {
			t.Errorf("%s: %d and %d MiB, want %d and %d", name, need.Hold/mib, need.Step/mib, tc.hold, tc.step)
		}
		if _, err := memory.New(memory.Limit{Bytes: 2048 * mib * 9 / 10, Source: "GOMEMLIMIT"}, need); err != nil {
			t.Errorf("%s: in 2 GiB: %v", name, err)
		}
	}
}
