package curate_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/events"
)

// TestNotify makes a selection by a call, then repeats the call with notify. The event of the selection is published
// again, now with the field automatic, so that subscribers act on it.
func TestNotify(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	path := "/v1/runs/" + s.scored() + "/selections"
	s.Events.Take()
	automatic := func() (all []bool) {
		s.work()
		for _, m := range s.Events.Take() {
			var event events.SelectionEvent
			if err := json.Unmarshal(m.Data, &event); err != nil {
				t.Fatal(err)
			}
			if m.Attributes[events.AttrType] == events.SelectionCompleted {
				all = append(all, event.Automatic)
			}
		}
		return all
	}
	for _, step := range []struct {
		body   string
		status int
		want   []bool
	}{
		{`{"budget": 2}`, http.StatusAccepted, []bool{false}},
		{`{"budget": 2}`, http.StatusOK, nil},
		{`{"budget": 2, "notify": true}`, http.StatusOK, []bool{true}},
		{`{"budget": 2, "notify": true}`, http.StatusOK, nil},
		{`{"budget": 3, "notify": true}`, http.StatusAccepted, []bool{true}},
	} {
		want[api.SelectionStatus](s, step.status, "POST", path, step.body)
		if diff := cmp.Diff(step.want, automatic()); diff != "" {
			t.Errorf("%s: event.Automatic of each event (-want +got):\n%s", step.body, diff)
		}
	}
}
