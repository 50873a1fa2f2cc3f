package curate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/page/site"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/subset"
)

// visit requests a page as a browser does. It posts the form if there is one.
func (s service) visit(method, path string, form url.Values) *httptest.ResponseRecorder {
	s.t.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	request.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer := httptest.NewRecorder()
	s.curate.ServeHTTP(answer, request)
	return answer
}

// sees requests a page that should be answered with a status and contain the texts.
func (s service) sees(status int, path string, texts ...string) {
	s.t.Helper()
	answer := s.visit("GET", path, nil)
	header := answer.Header()
	if answer.Code != status || header.Get("Content-Type") != "text/html; charset=utf-8" ||
		header.Get("Cache-Control") != "no-store" || header.Get("Set-Cookie") != "" ||
		!strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'none'; ") {
		s.t.Errorf("%s: answered %d with %v", path, answer.Code, header)
	}
	for _, text := range texts {
		if !strings.Contains(answer.Body.String(), text) {
			s.t.Errorf("%s lacks %s: %s", path, text, answer.Body)
		}
	}
}

// Links lead from the list of runs to a run, to its samples, and to the selection that a form makes.
func TestPages(t *testing.T) {
	t.Parallel()
	s, id := withImages(t)
	s.sees(200, "/", "sky", `class="state scored"`, "/runs/"+id)
	s.sees(200, "/runs/"+id, ">4</strong> in the dataset", "image not found", `name="do" value="retry"`)
	s.sees(200, "/runs/"+id+"/samples?filter=&source=tests", "4 samples", "/samples/@0/images/1?width=192")
	s.sees(200, "/runs/"+id+"/samples?filter=status%3Dfailed", "1 sample<", "image not found")
	s.sees(422, "/runs/"+id+"/samples?filter=rating.moon%3D1", "is unknown")
	s.sees(200, "/runs/"+id+"/samples/@1", "And this?", "humanities")
	s.sees(200, "/runs/"+id+"/select", "Give a budget")
	s.sees(200, "/runs/"+id+"/select?budget=2&max_failed=50%25", "<strong>2</strong> selected", "curl -X POST",
		"Picks by rating")
	s.sees(200, "/runs/"+id+"/select?budget=lots&threshold=x", "budget: ", "rated above: ")
	s.sees(404, "/runs/sky-000000000000", "no such run")

	form := url.Values{"budget": {"2"}, "max_failed": {"50%"}, "unique": {"true"}}
	made := s.visit("POST", "/runs/"+id+"/select", form)
	at := made.Header().Get("Location")
	if made.Code != http.StatusSeeOther || !strings.HasPrefix(at, "/runs/"+id+"/selections/") {
		t.Fatalf("the form is answered %d, Location %q: %s", made.Code, at, made.Body)
	}
	s.sees(200, at, "being written", `data-live="2"`)
	s.work()
	s.sees(200, at, "/report", "/outputs/subset", "<strong>2</strong> selected")
	sel, _ := want[api.SelectionStatus](s, http.StatusOK, "GET", "/v1"+at, "")
	if !sel.Parameters.Request.Unique || sel.Selected != 2 {
		t.Errorf("the form made %+v", sel.Parameters)
	}
	s.sees(200, "/runs/"+id+"/samples/@0", sel.ID)
	s.sees(200, "/runs/"+id+"/samples/@2", sel.ID, "failed, so it cannot be selected")
	refused := s.visit("POST", "/runs/"+id+"/select", url.Values{"budget": {"900"}})
	if refused.Code != http.StatusUnprocessableEntity || !strings.Contains(refused.Body.String(), `value="900"`) {
		t.Errorf("a form that is refused is answered %d: %s", refused.Code, refused.Body)
	}
}

// The page of a run has a button for each action that the run accepts in its state. The log names who used a button.
func TestButtons(t *testing.T) {
	t.Parallel()
	s := newService(t, func(l *run.Limits) { l.CostPerMillion, l.MaxRunCost = run.Prices{runtest.Kind: 1000}, 0.001 })
	id := s.start()
	s.sees(200, "/runs/"+id, "waits for approval", `value="approve"`, `data-live="3"`)
	a := s.visit("POST", "/runs/"+id, url.Values{"do": {"explode"}})
	const refusal = "&#34;explode&#34; is not an action of a run; give one of: resume, retry, cancel, approve, cluster"
	if a.Code != http.StatusBadRequest || !strings.Contains(a.Body.String(), refusal) {
		t.Errorf("an unknown button is answered %d: %s", a.Code, a.Body)
	}
	s = s.behindIAM("ann@example.com", true)
	a = s.visit("POST", "/runs/"+id, url.Values{"do": {"approve"}})
	if at := a.Header().Get("Location"); a.Code != http.StatusSeeOther || at != "/runs/"+id {
		t.Errorf("answered %d, Location %q", a.Code, at)
	}
	s.sees(200, "/runs/"+id, `class="state scoring"`, "the rate is not known yet", "0 of 5 samples")
	s.work()
	s.visit("POST", "/runs/"+id+"/select", url.Values{"budget": {"2"}})
	for _, call := range []string{"approve", "select"} {
		if line := "call=" + call + " run=" + id + " by=ann@example.com"; len(s.Logged(line)) != 1 {
			t.Errorf("the log has %d lines with %q, want 1", len(s.Logged(line)), line)
		}
	}
}

// The pages of a run and of a sample name the latest selections, even if their ids are the last in alphabetical order.
func TestPagesOfManySelections(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	id := s.scored()
	var ids []string
	latest := ""
	for seed := 0; len(ids) <= api.DefaultPageSize || slices.Index(ids, latest) < api.DefaultPageSize; seed++ {
		s.Tasks.Take() // only the latest selection is completed
		s.Pass(time.Second)
		answer := s.call("POST", "/v1/runs/"+id+"/selections", fmt.Sprintf(`{"budget": 2, "seed": %d}`, seed))
		var made api.SelectionStatus
		if err := json.Unmarshal(answer.Body.Bytes(), &made); err != nil || made.Selection == nil {
			t.Fatalf("the selection with seed %d is answered %d %s", seed, answer.Code, answer.Body)
		}
		latest = made.ID
		ids = append(ids, latest)
		slices.Sort(ids)
	}
	s.work()
	s.sees(200, "/runs/"+id, latest, "The run has more selections")
	s.sees(200, "/runs/"+id+"/samples", latest)
	s.sees(200, "/runs/"+id+"/samples/@0", latest)
}

// Like the API, the list of runs and the page of a run show that the run waits for its scorer, and the reason.
func TestPagesOfWaiting(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	id := s.start()
	s.OpenScorer = func(ctx context.Context, _ string, _ *rubric.Rubric) (scorer.Scorer, error) {
		err := fmt.Errorf("%w: <b>503</b>", scorer.ErrUnavailable)
		scorer.ReportWait(ctx, scorer.Wait{Why: err, Advice: "Look at its log."})
		return nil, err
	}
	s = s.restart()
	for _, kind := range []string{events.TaskRange, events.TaskShard} {
		for i, m := range s.Tasks.TakeOf(kind) {
			err := s.Deliver(runtest.Delivery{Message: m, ID: fmt.Sprintf("%s-%d", kind, i)})
			if err != nil && !errors.Is(err, scorer.ErrUnavailable) {
				t.Fatal(err)
			}
		}
	}
	const reason = "scorer unavailable: &lt;b&gt;503&lt;/b&gt;"
	s.sees(200, "/", "Waiting for the scorer, noticed", reason)
	s.sees(200, "/runs/"+id, "Waiting for the scorer</strong>, noticed", reason, "Look at its log.")
	st, _ := want[subset.RunStatus](s, http.StatusOK, "GET", "/v1/runs/"+id, "")
	if st.Waiting == nil || st.Waiting.Advice != "Look at its log." {
		t.Errorf("the API has %+v", st.Waiting)
	}
	want[api.RunList](s, http.StatusOK, "GET", "/v1/runs", "")
}

// Every page escapes and shortens the texts of a dataset.
func TestPagesAreInert(t *testing.T) {
	t.Parallel()
	const hostile = "<script>alert(1)</script>\" onmouseover=\"alert(1)\u202Etxt.exe"
	s := newService(t, nil)
	s.Upload("datasets/sky/all.jsonl", runtest.Lines([]string{
		runtest.Record(hostile, hostile+strings.Repeat("long ", 100)),
	}))
	id := s.scored()
	for _, path := range []string{"", "/samples", "/samples/@0", "/select?budget=" + url.QueryEscape(hostile)} {
		page := s.visit("GET", "/runs/"+id+path, nil).Body.String()
		for _, act := range []string{"<script>alert", `" onmouseover`, "\u202e", "ZgotmplZ"} {
			if strings.Contains(page, act) {
				t.Errorf("%s: %q is in the page", path, act)
			}
		}
		if len(page) > 100_000 {
			t.Errorf("%s has %d bytes", path, len(page))
		}
	}
}

// A review does not show which sample was selected. It keeps the first choice for each pair. After the last pair, it
// shows the win rate.
func TestReviewPage(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	s.Upload("images/sky/a.png", runtest.PNG(t, 90, 60))
	var records []string
	for i := range 40 {
		records = append(records, runtest.Record(fmt.Sprintf("r%02d", i), "A cloud.", "a.png"))
	}
	s.Upload("datasets/sky/all.jsonl", runtest.Lines(records))
	id := s.scored()
	at := s.visit("POST", "/runs/"+id+"/select", url.Values{"budget": {"12"}}).Header().Get("Location")
	s.work()
	s.sees(200, at, at+"/review")
	s.sees(200, at+"/review", "Your name")
	s.sees(422, at+"/review?reviewer=../x", "reviewer: ")
	s.sees(422, at+"/review?reviewer=anna&pairs=0", "pairs: &#34;0&#34; is not a whole number from 1 to 2000")
	s.sees(422, at+"/review?reviewer=anna&seed=-1", "seed: &#34;-1&#34; is not a whole number from 0 to ")
	s.sees(422, at+"/review?reviewer=anna&pairs=007", "pairs: &#34;007&#34;", `max="2000" value="60"`)
	page := at + "/review?reviewer=anna&pairs=1"
	s.sees(200, page, "Pair 1", `data-keys="ArrowLeft l 1"`, "/images/1?width=384")
	shown := s.visit("GET", page, nil).Body.String()
	for _, hidden := range []string{"rating", "/samples/@0\"", "selected", "outranked"} {
		if strings.Contains(strings.ToLower(shown[strings.Index(shown, "<h1>"):strings.Index(shown, "</main>")]), hidden) {
			t.Errorf("the page of a pair has %q: %s", hidden, shown)
		}
	}
	choice := url.Values{"reviewer": {"anna"}, "pairs": {"1"}, "pair": {"1"}, "choice": {"left"}}
	for range 2 {
		made := s.visit("POST", at+"/review", choice)
		if made.Code != http.StatusSeeOther || !strings.HasSuffix(made.Header().Get("Location"), "pairs=1&reviewer=anna") {
			t.Fatalf("a choice is answered %d, %v: %s", made.Code, made.Header(), made.Body)
		}
		choice.Set("choice", "right") // the first choice stays
	}
	s.sees(200, page, "All 1 pairs", "Win rate", "review.jsonl?")
	lines := s.visit("GET", at+"/review.jsonl?reviewer=anna&pairs=1", nil)
	if text := lines.Body.String(); lines.Code != 200 || strings.Count(text, "\n") != 1 ||
		!strings.Contains(text, `"choice":"left"`) || !strings.Contains(text, `"reviewer":"anna"`) {
		t.Errorf("lines %d: %s", lines.Code, lines.Body)
	}
	for _, bad := range []url.Values{
		{"reviewer": {"anna"}, "pairs": {"1"}, "pair": {"2"}, "choice": {"left"}},
		{"reviewer": {"anna"}, "pairs": {"1"}, "pair": {"1"}, "choice": {"best"}},
		{"pairs": {"1"}, "pair": {"1"}, "choice": {"left"}},
	} {
		if refused := s.visit("POST", at+"/review", bad); refused.Code != http.StatusUnprocessableEntity {
			t.Errorf("%v is answered %d", bad, refused.Code)
		}
	}
	s.refusesReviews(site.RunPath(id), at, choice)
}

// refusesReviews posts a choice with an unknown field, and requests choices with invalid or unknown values.
func (s service) refusesReviews(run, at string, choice url.Values) {
	s.t.Helper()
	choice.Set("vote", "left")
	if refused := s.visit("POST", at+"/review", choice); refused.Code != http.StatusBadRequest {
		s.t.Errorf("an unknown field is answered %d", refused.Code)
	}
	for query, want := range map[string]int{
		"reviewer=anna&pairs=0": 422, "pairs=1": 422, "reviewer=anna&against=../../x": 404, "reviewer=ben": 200,
	} {
		if got := s.visit("GET", at+"/review.jsonl?"+query, nil); got.Code != want {
			s.t.Errorf("review.jsonl?%s is answered %d, want %d", query, got.Code, want)
		}
	}
	if got := s.visit("GET", run+"/selections/none/review.jsonl?reviewer=anna", nil); got.Code != 404 {
		s.t.Errorf("the choices for an unknown selection are answered %d", got.Code)
	}
}

// The preview, which a script requests, accepts every field of the form.
func TestFormFields(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	s.Upload("datasets/sky/all.jsonl", runtest.Lines(runtest.Plain("r", 8)))
	path := "/runs/" + s.scored() + "/select"
	form := s.visit("GET", path, nil).Body.String()
	fields := url.Values{"budget": {"4"}}
	for _, found := range regexp.MustCompile(`<(?:input|select) name="([a-z_]+)"`).FindAllStringSubmatch(form, -1) {
		if !fields.Has(found[1]) {
			fields.Set(found[1], "")
		}
	}
	if len(fields) < 8 {
		t.Errorf("the form has the fields %v", fields)
	}
	s.sees(200, path+"?"+fields.Encode(), "<strong>4</strong>")
}
