package curate_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/buckettest"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/review"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestProgressInList lists a run while it is scored, after each shard.
func TestProgressInList(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	s.start()
	var done []int64
	for {
		list, _ := want[api.RunList](s, http.StatusOK, "GET", "/v1/runs", "")
		done = append(done, list.Runs[0].SamplesDone)
		if list.Runs[0].State == run.StateScored {
			break
		}
		for i, m := range s.Tasks.Take() {
			if i == 0 {
				s.deliver(m)
				continue
			}
			if err := s.Tasks.Publish(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	last := int64(0)
	for _, n := range done {
		if n < last || n > 5 {
			t.Errorf("the numbers of samples that are done: %v", done)
		}
		last = n
	}
	if last != 5 || len(done) < 4 || done[len(done)-2] == 0 {
		t.Errorf("the numbers of samples that are done: %v", done)
	}
}

// TestListSelections lists the selections of a run in their states, page by page.
func TestListSelections(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	id := s.start()
	path := "/v1/runs/" + id + "/selections"
	if body := s.call("GET", path, "").Body.String(); !strings.Contains(body, `"selections": []`) {
		t.Errorf("without selections the list is %s, want an empty array", body)
	}
	s.work()
	want, damaged := map[string]api.SelectionEntry{}, ""
	for _, body := range []string{`{"budget": 1}`, `{"budget": "100-tokens"}`, `{"budget": 2}`, `{"budget": 3}`} {
		made := withoutHeader[api.SelectionStatus](s, http.StatusAccepted, "POST", path, body)
		want[made.ID] = api.SelectionEntry{
			ID: made.ID, State: api.Writing, Created: accepted, Budget: made.Parameters.Budget,
			InTokens: made.Parameters.InTokens, Selected: made.Selected,
		}
		if made.Parameters.Budget != 3 {
			s.work()
			entry := want[made.ID]
			entry.State = api.Completed
			want[made.ID] = entry
		}
		if made.Parameters.Budget == 2 {
			damaged = made.Outputs.Selection
			want[made.ID] = api.SelectionEntry{ID: made.ID, State: api.Damaged}
		}
	}
	s.Replace(damaged, []byte("{"))
	s = s.restart()
	got, last := map[string]api.SelectionEntry{}, ""
	for token, pages := "", 0; token != "" || pages == 0; pages++ {
		list := withoutHeader[api.SelectionList](s, http.StatusOK, "GET", path+api.Page{Size: 2, Token: token}.Query(), "")
		for _, entry := range list.Selections {
			if entry.ID <= last {
				t.Errorf("%s follows %s", entry.ID, last)
			}
			if entry.State == api.Damaged && strings.Contains(entry.Problem, "selection.json") {
				entry.Problem = ""
			}
			got[entry.ID], last = entry, entry.ID
		}
		if token = list.NextPageToken; pages > 1 {
			t.Fatal("4 selections have more than 2 pages of 2")
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("selections (-want +got):\n%s", diff)
	}
}

// withoutHeader calls want, and drops the header of the answer.
func withoutHeader[T any](s service, status int, method, path, body string) T {
	s.t.Helper()
	v, _ := want[T](s, status, method, path, body)
	return v
}

// counted returns the service in a new process that counts the requests of its work bucket.
func (s service) counted(requests *atomic.Int64) service {
	s.t.Helper()
	work := buckettest.Counted{Bucket: s.Work, Requests: requests}
	var errs [5]error
	reviews, err := review.NewStore(work)
	errs[3] = err
	var runs *run.Reader
	var subsets *subset.Selector
	runs, errs[0] = run.NewReader(work, run.DefaultCacheBytes)
	feed, err := events.NewFeed(s.Events, runtest.Origin(), time.Now)
	errs[4] = err
	subsets, errs[1] = subset.NewSelector(subset.Config{
		Runs: runs, Work: work, Input: s.Input, Tasks: s.Tasks, Events: feed, Now: time.Now, Process: run.NewProcess(),
		Limits: subset.DefaultLimits(), Reports: runtest.Report{}, Memory: s.Memory,
	})
	s.curate, errs[2] = curate.New(curate.Config{
		Runs: runs, Planner: s.Planner(), Worker: s.Worker, Subsets: subsets, Reviews: reviews, Memory: s.Memory,
		Log: s.Log,
	})
	if err := errors.Join(errs[:]...); err != nil {
		s.t.Fatal(err)
	}
	return s
}

// copyRuns makes n copies of a run, each accepted one second after the previous copy. Every tenth copy is still being
// scored. Each copy was accepted with a selection.
func (s service) copyRuns(id string, n int) {
	s.t.Helper()
	index := run.NewIndex(s.Work)
	prefix := run.Folder(id)
	objects := map[string]string{}
	for _, name := range s.Objects(prefix) {
		rest := strings.TrimPrefix(name, prefix)
		if rest == "plan.json" || strings.HasPrefix(rest, "scored") || strings.HasPrefix(rest, "waves/") ||
			strings.HasPrefix(rest, "scores/") {
			content, err := bucket.ReadAll(s.t.Context(), s.Work, name)
			if err != nil {
				s.t.Fatal(err)
			}
			objects[rest] = string(content)
		}
	}
	for i := range n {
		other := fmt.Sprintf("d%05d-0123456789ab", i)
		var errs []error
		for rest, content := range objects {
			if i%10 == 0 && strings.HasPrefix(rest, "scored") {
				continue
			}
			_, err := bucket.CreateBytes(s.t.Context(), s.Work, run.Folder(other)+rest,
				[]byte(strings.ReplaceAll(content, id, other)))
			errs = append(errs, err)
		}
		at := accepted.Add(-time.Duration(i) * time.Second)
		for since, e := range map[string]run.Entry{
			"accepted":                         {Run: other},
			"selections/0123456789ab/accepted": {Run: other, Selection: "0123456789ab"},
			"made/0123456789ab.accepted":       {Run: other, Request: "0123456789ab"},
		} {
			errs = append(errs, index.Accept(s.t.Context(), e, run.Folder(other)+since, at))
		}
		if err := errors.Join(errs...); err != nil {
			s.t.Fatal(err)
		}
	}
}

// The number of requests for a page of a list does not depend on the number of runs and selections.
func TestListsOfMany(t *testing.T) {
	t.Parallel()
	const size, most = 50, 50*12 + 20
	for _, n := range []int{200, thorough.Size(1000, 10_000)} {
		s := newService(t, nil)
		id := s.scored()
		s.copyRuns(id, n-1)
		var requests atomic.Int64
		token, names := "", map[string]bool{}
		var last time.Time
		for pages := 0; token != "" || pages == 0; pages++ {
			page := api.Page{Size: size, Token: token}
			if pages >= 2 && pages < n/size-2 {
				page.Size = api.MaxPageSize
			}
			before := requests.Load()
			list := withoutHeader[api.RunList](s.counted(&requests), http.StatusOK, "GET", "/v1/runs"+page.Query(), "")
			if used := requests.Load() - before; page.Size == size && used > most {
				t.Errorf("%d runs: page %d took %d requests, more than %d", n, pages, used, most)
			} else if pages < 2 {
				t.Logf("%6d runs: page %d of %d runs took %d requests", n, pages, len(list.Runs), used)
			}
			for _, entry := range list.Runs {
				names[entry.Run] = true
				if !last.IsZero() && entry.Created.After(last) {
					t.Fatalf("%d runs: %s was accepted after the previous run of the list", n, entry.Run)
				}
				last = entry.Created
			}
			token = list.NextPageToken
		}
		if len(names) != n {
			t.Errorf("%d runs: %d are listed", n, len(names))
		}
	}
}
