package run_test

import (
	"encoding/json"
	"testing"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
)

// A run of a scorer with fewer instances has fewer tasks in flight, in every wave. The fixture's scorer represents gpu.
func TestWidthOfAKindOfScorer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ width, gpu, want int }{{5, 2, 2}, {5, 0, 5}} {
		f := runtest.New(t)
		f.Limits.InFlight, f.Limits.InFlightGPU = tc.width, tc.gpu
		f.Restart()
		f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 20)))
		plan := f.Begin("datasets/demo/a.json")
		if err := f.Worker.Resume(t.Context(), plan.Run, false); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"0", "1"} {
			var wave run.Wave
			if err := json.Unmarshal(f.Read("runs/"+plan.Run+"/waves/"+name+".json"), &wave); err != nil {
				t.Fatal(err)
			}
			if wave.Width != tc.want {
				t.Errorf("wave %s of IN_FLIGHT=%d IN_FLIGHT_GPU=%d has the width %d, want %d",
					name, tc.width, tc.gpu, wave.Width, tc.want)
			}
		}
	}
}
