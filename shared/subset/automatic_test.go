package subset_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
)

// TestNotifyAgain ends a process after a completed selection was marked as automatic, and before the event with the
// mark was published. The next call publishes the event once.
func TestNotifyAgain(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 3)))
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	request := selection.Request{Budget: runtest.Budget(t, "2")}
	sel := selectNow(t, f, plan, request)
	published := func() (automatic []bool) {
		for _, m := range f.Events.Take() {
			var event events.SelectionEvent
			if err := json.Unmarshal(m.Data, &event); err != nil {
				t.Fatal(err)
			}
			if event.Selection == sel.ID {
				automatic = append(automatic, event.Automatic)
			}
		}
		return automatic
	}
	if diff := cmp.Diff([]bool{false}, published()); diff != "" {
		t.Errorf("automatic of the first event (-want +got):\n%s", diff)
	}
	f.Events.Fail = errors.New("the topic is away")
	if err := f.Subsets.Notify(t.Context(), plan.Run, request); err == nil {
		t.Error("no error, and no event")
	}
	f.Events.Fail = nil
	for _, want := range [][]bool{{true}, nil} {
		if err := f.Subsets.Notify(t.Context(), plan.Run, request); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, published()); diff != "" {
			t.Errorf("automatic of the events (-want +got):\n%s", diff)
		}
	}
}
