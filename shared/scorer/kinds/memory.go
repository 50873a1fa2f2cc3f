package kinds

import (
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/gpu"
)

// Memory returns the budget of this process: the memory for images within the limits of the machine, its container and
// GOMEMLIMIT. It returns an error if the largest sample within limits does not fit, for one of the configured scorers.
func (c Config) Memory(limits images.Limits) (*memory.Budget, error) {
	limit, err := memory.FindLimit()
	if err != nil {
		return nil, err
	}
	return memory.New(limit, c.need(limits))
}

// need returns the memory for the largest sample within limits.
func (c Config) need(limits images.Limits) memory.Need {
	need := memory.Need{
		Hold: limits.MaxSampleBytes, Step: limits.MaxDecodedBytes,
		Settings: "MAX_DECODED_BYTES or MAX_SAMPLE_IMAGE_BYTES",
	}
	bodies := 0
	if c.GPU != "" {
		bodies = 1
		if at, err := gpu.ParseAddress(c.GPU); err == nil && !at.Together() {
			bodies = 2
		}
	}
	if c.LLM.URL != "" {
		bodies = max(bodies, 1)
		need.Step += c.LLM.Scaling(limits.MaxPixels)
		need.Settings = "MAX_DECODED_BYTES, MAX_SAMPLE_IMAGE_BYTES or LLM_IMAGE_SIDE"
	}
	need.Hold = memory.Held(need.Hold, scorer.PerByte(bodies))
	return need
}
