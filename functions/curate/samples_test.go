package curate_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"image"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/subset"
)

// withImages returns a service and its scored run of 4 samples. Three samples have an image, and one of these images is
// missing. One sample has only text.
func withImages(t *testing.T) (s service, id string) {
	t.Helper()
	s = newService(t, nil)
	s.Upload("images/sky/a.png", runtest.PNG(t, 90, 60))
	s.Upload("datasets/sky/all.jsonl", runtest.Lines([]string{
		runtest.Record("a", "What is it?", "a.png"), runtest.Record("b/2", "And this?", "a.png"),
		runtest.Record("gone", "And that?", "gone.png"), runtest.Record("text", "Why is the sky blue?"),
	}))
	return s, s.scored()
}

// Samples are listed by filters, page by page, and shown one by one.
func TestSamplesByAPI(t *testing.T) {
	t.Parallel()
	s, id := withImages(t)
	path := "/v1/runs/" + id + "/samples"
	var ids []string
	token, first := "", true
	for first || token != "" {
		page, _ := want[api.SamplePage](s, http.StatusOK, "GET", path+"?page_size=3&page_token="+token, "")
		if page.Matched != 4 || page.More {
			t.Errorf("%d samples match, more: %t", page.Matched, page.More)
		}
		for _, e := range page.Samples {
			ids = append(ids, e.ID)
		}
		token, first = page.NextPageToken, false
	}
	if got := strings.Join(ids, " "); got != "a b/2 gone text" {
		t.Errorf("samples %s", got)
	}
	failed, _ := want[api.SamplePage](s, http.StatusOK, "GET", path+"?filter=status%3Dfailed", "")
	if len(failed.Samples) != 1 || failed.Samples[0].ID != "gone" || failed.Samples[0].FailureCode != "image_not_found" ||
		failed.Samples[0].Status != scores.Failed {
		t.Errorf("failed samples %+v", failed.Samples)
	}
	for _, name := range []string{"b/2", "@1"} {
		shown, _ := want[subset.Shown](s, http.StatusOK, "GET", path+"/"+url.PathEscape(name), "")
		if shown.ID != "b/2" || shown.Index != 1 || !strings.Contains(string(shown.Record), "And this?") {
			t.Errorf("sample %s: %+v", name, shown)
		}
	}
	for query, status := range map[string]int{
		"?filter=color%3Dred": 422, "?filter=rating.moon%3D1": 422, "?page_size=0": 400, "?page_token=eA": 400,
		"/@4": 404, "/nobody": 404, "/nobody/images/1": 404, "?id=nobody": 422, "?selection=0123456789ab": 404,
	} {
		want[api.Problem](s, status, "GET", path+query, "")
	}
}

// With a selection, samples can be filtered by whether they are selected, and by the reason if they are not.
func TestSamplesOfSelection(t *testing.T) {
	t.Parallel()
	s, id := withImages(t)
	body := `{"budget": 1, "max_failed": "50%"}`
	sel, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", "/v1/runs/"+id+"/selections", body)
	count := map[string]int{}
	for _, filter := range []string{"status%3Dselected", "status%3Dleft", "reason%3Doutranked", "reason!%3Doutranked"} {
		query := fmt.Sprintf("/v1/runs/%s/samples?selection=%s&filter=%s", id, sel.ID, filter)
		page, _ := want[api.SamplePage](s, http.StatusOK, "GET", query, "")
		count[filter] = len(page.Samples)
		for _, e := range page.Samples {
			if e.Selected == nil || *e.Selected != (e.Reason == "") {
				t.Errorf("%s: entry %+v", filter, e)
			}
		}
	}
	if count["status%3Dselected"] != 1 || count["status%3Dleft"] != 2 ||
		count["reason%3Doutranked"]+count["reason!%3Doutranked"] != 4 {
		t.Errorf("samples by filter: %v", count)
	}
}

// Images are served at a reduced size, with headers for caching. The error for an image that cannot be shown gives the
// reason.
func TestImagesByAPI(t *testing.T) {
	t.Parallel()
	s, id := withImages(t)
	path := "/v1/runs/" + id + "/samples/"
	answer := s.call("GET", path+"@0/images/1?width=60", "")
	picture, kind, err := image.Decode(bytes.NewReader(answer.Body.Bytes()))
	if err != nil || kind != "jpeg" || picture.Bounds().Dx() != 60 || picture.Bounds().Dy() != 40 {
		t.Fatalf("answered %d, a %s of %v, error %v", answer.Code, kind, picture.Bounds(), err)
	}
	tag := answer.Header().Get("ETag")
	if tag == "" || !strings.Contains(answer.Header().Get("Cache-Control"), "private") {
		t.Errorf("headers %v", answer.Header())
	}
	request := httptest.NewRequest("GET", path+"b%2F2/images/1?width=60", nil)
	request.Header.Set("If-None-Match", tag)
	answer = httptest.NewRecorder()
	s.api().ServeHTTP(answer, request)
	if answer.Code != http.StatusNotModified || answer.Body.Len() > 0 {
		t.Errorf("the same image is answered %d with %d bytes", answer.Code, answer.Body.Len())
	}
	for query, tt := range map[string]struct {
		status int
		detail string
	}{
		"@2/images/1": {404, "image not found"}, "@3/images/1": {404, "it has 0"}, "@0/images/2": {404, "it has 1"},
		"@0/images/x": {404, "no image"}, "@0/images/1?width=9000": {400, "give 1 to 512"},
	} {
		problem, _ := want[api.Problem](s, tt.status, "GET", path+query, "")
		if !strings.Contains(problem.Detail, tt.detail) {
			t.Errorf("%s: %q, want %q", query, problem.Detail, tt.detail)
		}
	}
}

// A preview equals the selection that is made later, and stores nothing.
func TestPreview(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	path := "/v1/runs/" + s.scored() + "/selections"
	before := s.Objects("")
	const body = `{"budget": "40%", "exclude": ["r04"]}`
	preview, _ := want[subset.Preview](s, http.StatusOK, "POST", path+":preview", body)
	if after := s.Objects(""); len(after) != len(before) {
		t.Errorf("a preview left %d objects", len(after)-len(before))
	}
	sel, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", path, body)
	if preview.Selected != 2 || preview.Selected != sel.Selected || preview.Total != sel.Total ||
		preview.Summary.HighKept != sel.Summary.HighKept {
		t.Errorf("previewed %+v, made %+v", preview, sel)
	}
	want[api.Problem](s, 400, "POST", path+":preview", `{"budgets": [1, 2]}`)
	want[api.Problem](s, 422, "POST", path+":preview", `{"budget": 9}`)
}

// Outputs are downloaded exactly as they are stored.
func TestOutputs(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	path := "/v1/runs/" + s.scored() + "/selections"
	sel, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", path, `{"budget": 2, "caps": {"cluster": 1}}`)
	path += "/" + sel.ID + "/outputs/"
	want[api.Problem](s, http.StatusConflict, "GET", path+"subset", "")
	s.work()
	for name, object := range map[string]string{
		"subset": sel.Outputs.Subset, "rejected": sel.Outputs.Rejected, "picks": sel.Outputs.Picks,
		"selection": sel.Outputs.Selection, "report": sel.Outputs.Report, "clusters": sel.Outputs.Clusters,
	} {
		answer := s.call("GET", path+name, "")
		if answer.Code != http.StatusOK || !bytes.Equal(answer.Body.Bytes(), s.Read(object)) {
			t.Errorf("%s: answered %d with %d bytes", name, answer.Code, answer.Body.Len())
		}
		if saved := answer.Header().Get("Content-Disposition"); !strings.Contains(saved, sel.Run+"-"+sel.ID) {
			t.Errorf("%s is saved as %q", name, saved)
		}
	}
	problem, _ := want[api.Problem](s, http.StatusNotFound, "GET", path+"near", "")
	if !strings.Contains(problem.Detail, "exclude_near") {
		t.Errorf("an output that was not requested: %q", problem.Detail)
	}
	problem, _ = want[api.Problem](s, http.StatusNotFound, "GET", path+"moon", "")
	if !strings.Contains(problem.Detail, "subset, rejected") {
		t.Errorf("an unknown output: %q", problem.Detail)
	}
}

// A plan describes a run, and starts no run.
func TestPlanByAPI(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	plan, _ := want[api.PlanReport](s, http.StatusOK, "POST", "/v1/plans", startBody)
	if plan.Samples != 5 || plan.Valid != 5 || plan.Run == "" {
		t.Errorf("the plan %+v", plan)
	}
	if list, _ := want[api.RunList](s, http.StatusOK, "GET", "/v1/runs", ""); len(list.Runs) > 0 {
		t.Errorf("runs %+v", list.Runs)
	}
	want[api.Problem](s, 422, "POST", "/v1/plans", `{"dataset": "moon", "manifests": ["x.json"]}`)
}

// Planning a compressed manifest removes the unpacked copy, also if the dataset is refused after unpacking or its run
// is already scored. A client that disconnects is not logged as an error of the service.
func TestPlanLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(runtest.Lines(runtest.Plain("a", 3)))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	s.Upload("datasets/sky/all.jsonl.gz", packed.Bytes())
	const body = `{"dataset": "sky", "manifests": ["all.jsonl.gz"]}`
	if plan, _ := want[api.PlanReport](s, http.StatusOK, "POST", "/v1/plans", body); plan.Valid != 3 {
		t.Errorf("the plan %+v", plan)
	}
	want[api.Problem](s, 422, "POST", "/v1/plans", `{"dataset": "sky", "manifests": ["all.jsonl.gz"], "budget": 900}`)
	s.Upload("datasets/sky/bad.jsonl", []byte("{]"))
	want[api.Problem](s, 422, "POST", "/v1/plans", `{"dataset": "sky", "manifests": ["all.jsonl.gz", "bad.jsonl"]}`)
	if left := s.Objects(bucket.TemporaryPrefix); len(left) > 0 {
		t.Errorf("planning left %v", left)
	}
	want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs", body)
	s.work()
	want[api.PlanReport](s, http.StatusOK, "POST", "/v1/plans", body)
	if left := s.Objects(bucket.TemporaryPrefix); len(left) > 0 {
		t.Errorf("planning a scored run left %v", left)
	}
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	request := httptest.NewRequestWithContext(gone, "POST", "/v1/plans", strings.NewReader(body))
	s.curate.ServeHTTP(httptest.NewRecorder(), request)
	if logged := s.Errors(); len(logged) > 0 {
		t.Errorf("logged %q", logged)
	}
}

// Samples can be filtered by numeric fields of their records and, with a selection, by columns of its scores_from file.
func TestFilterByColumn(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	records := runtest.Plain("r", 5)
	for i := range records {
		records[i] = strings.Replace(records[i], "{", fmt.Sprintf(`{"level": %d, "note": "high", `, i), 1)
	}
	s.Upload("datasets/sky/all.jsonl", runtest.Lines(records))
	s.Upload("datasets/sky/n.csv", []byte("id,relevance\nr00,1\nr03,3\n"))
	id := s.scored()
	path := "/v1/runs/" + id + "/samples?"
	list := func(query string) (ids []string, columns []string) {
		t.Helper()
		page, _ := want[api.SamplePage](s, http.StatusOK, "GET", path+query, "")
		for _, e := range page.Samples {
			ids = append(ids, e.ID)
		}
		return ids, page.Columns
	}
	sel, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", "/v1/runs/"+id+"/selections",
		`{"budget": 1, "strategy": "top", "by": "relevance", "scores_from": "n.csv"}`)
	s.work()
	for query, want := range map[string]string{
		"filter=level%3E%3D3": "r03 r04 level", "filter=level%3C1": "r00 level",
		"filter=level%21%3D2&filter=level%3E1":                                                  "r03 r04 level",
		"filter=level%3D2&page_size=1":                                                          "r02 level",
		"filter=relevance%3E%3D1&selection=" + sel.ID:                                           "r00 r03 level relevance",
		"filter=relevance%3E%3D1&filter=level%3E1&filter=status%3Dselected&selection=" + sel.ID: "r03 level relevance",
	} {
		ids, columns := list(query)
		if got := strings.Join(append(ids, columns...), " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for filter, says := range map[string]string{
		"lvel%3E1": `did you mean "level"?`, "note%3E1": "known are: level",
		"level%3Ehigh":  "not a condition",
		"relevance%3E1": "known are: level",
	} {
		problem, _ := want[api.Problem](s, http.StatusUnprocessableEntity, "GET", path+"filter="+filter, "")
		if !strings.Contains(problem.Detail, says) {
			t.Errorf("%s: %s, want %s", filter, problem.Detail, says)
		}
	}
	s.sees(200, "/runs/"+id+"/samples?column=level&operator=%3E%3D&number=3", "2 samples",
		`<option value="level" selected>`,
		`name="number" value="3"`, "filter=level%3E%3D3")
	s.sees(422, "/runs/"+id+"/samples?filter=lvel%3E1", "is unknown", `<option value="level">`)
	s.Opens = map[string]int{} // the next page reads no file of numbers again: they are cached
	list("filter=level%3E%3D1")
	for name := range s.Opens {
		if strings.Contains(name, "/numbers/") || strings.Contains(name, "/shards/") {
			t.Errorf("%s is read again", name)
		}
	}
}

// A run of an earlier version has no files of numbers. The numbers are read from its records.
func TestFilterByColumnOfRecords(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	s.Upload("datasets/sky/all.jsonl", runtest.Lines([]string{
		strings.Replace(runtest.Record("a", "x"), "{", `{"level": 2, `, 1), runtest.Record("b", "x"),
	}))
	id := s.scored()
	removed := 0
	for name := range s.Snapshot() {
		if strings.Contains(name, "/numbers/") {
			if err := s.Work.Delete(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			removed++
		}
	}
	page, _ := want[api.SamplePage](s, http.StatusOK, "GET", "/v1/runs/"+id+"/samples?filter=level%3E%3D2", "")
	if removed == 0 || page.Matched != 1 || len(page.Columns) != 0 {
		t.Errorf("%d files of numbers were removed; page %+v", removed, page)
	}
}

// After a search for near duplicates, samples can be filtered by near duplicates.
func TestSamplesByCluster(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	twin := strings.Replace(runtest.Record("a", "And why?"), `"id":"a"`, `"id":"twin"`, 1)
	s.Upload("datasets/sky/all.jsonl", runtest.Lines([]string{
		runtest.Record("a", "Why is the sky blue?"), runtest.Record("b", "Why?"), twin, runtest.Record("c", "And that?"),
	}))
	id := s.scored()
	path, page := "/v1/runs/"+id+"/samples", "/runs/"+id+"/samples"
	problem, _ := want[api.Problem](s, 422, "GET", path+"?filter=cluster%3Da", "")
	for _, fix := range []string{":cluster", "harvest clusters " + id, "--max-per-cluster"} {
		if !strings.Contains(problem.Detail, fix) {
			t.Errorf("refused with %q, which lacks %s", problem.Detail, fix)
		}
	}
	s.sees(200, page, "Find near duplicates")
	made := s.visit("POST", "/runs/"+id, url.Values{"do": {"cluster"}})
	if at := made.Header().Get("Location"); made.Code != http.StatusSeeOther || at != page {
		t.Fatalf("the button is answered %d, Location %q: %s", made.Code, at, made.Body)
	}
	s.sees(200, page, "The search for near duplicates is running", `id="live" data-live="3"`)
	s.work()
	status, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs/"+id+":cluster", "")
	if status.Clusters != subset.ClustersFound {
		t.Errorf("the near duplicates are %q", status.Clusters)
	}
	for filter, ids := range map[string]string{
		"cluster=a": "a twin", "cluster=twin": "a twin", "cluster=@2": "a twin", "cluster=a%231": "a twin",
		"cluster=b": "b", "cluster!=a": "b c", "cluster_size>=2": "a twin", "cluster_size=1": "b c", "cluster_size>2": "",
	} {
		list, _ := want[api.SamplePage](s, http.StatusOK, "GET", path+"?filter="+strings.NewReplacer(
			"=", "%3D", ">", "%3E").Replace(filter), "")
		var got []string
		for _, e := range list.Samples {
			got = append(got, e.ID)
			if clustered := e.ID == "a" || e.ID == "twin"; clustered != (e.Cluster != nil) {
				t.Errorf("%s: entry %+v", filter, e)
			}
		}
		if strings.Join(got, " ") != ids {
			t.Errorf("%s: samples %q, want %q", filter, got, ids)
		}
	}
	for _, filter := range []string{"cluster%3Dnobody", "cluster%3D@4", "cluster%3Da%232"} {
		want[api.Problem](s, 422, "GET", path+"?filter="+filter, "")
	}
	// No field of the form offers the filter cluster_size>=4, so the form has a checked box for it.
	s.sees(200, page+"?filter=cluster_size%3E%3D4&filter=status%3Dok", `value="cluster_size&gt;=4" checked`,
		`value="status=ok" selected`)
	s.sees(200, page+"?cluster=twin", "2 samples", "1 near duplicate<", `value="twin"`, "1 or more<")
	s.sees(200, page+"/@2", "Near duplicates", "/samples/@0", "filter=cluster%3D@0")
}

// If the file of near duplicates is damaged, samples are shown without near duplicates. The page shows the problem, and
// its button starts another search.
func TestSamplesOfDamagedClusters(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	id := s.scored()
	path, page := "/v1/runs/"+id, "/runs/"+id+"/samples"
	want[subset.RunStatus](s, http.StatusAccepted, "POST", path+":cluster", "")
	s.work()
	name := "runs/" + id + "/duplicates/leaders.parquet"
	if err := s.Work.Delete(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.CreateBytes(t.Context(), s.Work, name, []byte("PAR1")); err != nil {
		t.Fatal(err)
	}
	status, _ := want[subset.RunStatus](s, http.StatusOK, "GET", path, "")
	if status.Clusters != subset.ClustersDamaged || !strings.Contains(status.ClustersProblem, "harvest clusters "+id) {
		t.Errorf("the near duplicates are %q: %s", status.Clusters, status.ClustersProblem)
	}
	s.sees(200, page, "object is damaged", "Find near duplicates", "5 samples")
	s.sees(200, page+"/@0", "r00")
	s.sees(200, "/runs/"+id, "Find near duplicates")
	want[api.SamplePage](s, http.StatusOK, "GET", path+"/samples", "")
	problem, _ := want[api.Problem](s, 422, "GET", path+"/samples?filter=cluster_size%3E1", "")
	if !strings.Contains(problem.Detail, name) || !strings.Contains(problem.Detail, "harvest clusters "+id) {
		t.Errorf("refused with %q", problem.Detail)
	}
	want[subset.RunStatus](s, http.StatusAccepted, "POST", path+":cluster", "")
	s.work()
	want[api.SamplePage](s, http.StatusOK, "GET", path+"/samples?filter=cluster_size%3D1", "")
}

// A damaged output is not sent. The answer names the fix.
func TestDamagedOutput(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	path := "/v1/runs/" + s.scored() + "/selections"
	sel, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", path, `{"budget": 2}`)
	s.work()
	s.Replace(sel.Outputs.Subset, s.Read(sel.Outputs.Subset)[:9])
	s = s.restart()
	problem, _ := want[api.Problem](s, events.StatusLost, "GET", path+"/"+sel.ID+"/outputs/subset", "")
	for _, words := range []string{sel.Outputs.Subset, "make the selection again"} {
		if !strings.Contains(problem.Detail, words) {
			t.Errorf("answered %q, which lacks %q", problem.Detail, words)
		}
	}
}
