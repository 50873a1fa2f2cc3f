package run_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

func TestSurvey(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Limits.ShardBytes = 400 // two records or three
	f.Limits.Images.MaxImages = 2
	f.Upload("images/demo/here.png", runtest.PNG(t, 8, 8))
	records := append(mixed(),
		runtest.Record("p1", "Found.", "here.png"),
		runtest.Record("p2", "Found twice.", "here.png", "here.png"),
		runtest.Record("p3", "Half of it.", "here.png", "gone.png"),
		runtest.Record("p5", "Too many.", "here.png", "gone.png", "here.png"),
		strings.ReplaceAll(runtest.Record("p4", "Missing."+runtest.Unratable, "gone.png", "gone2.png"),
			`"tests"`, `"elsewhere"`),
	)
	f.Upload("datasets/demo/a.json", runtest.Array(records))
	plan, err := f.Planner().Plan(t.Context(), run.Spec{Dataset: "demo", Manifests: []string{"a.json"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Planner().Survey(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	want := &run.Survey{
		Samples: 17, Valid: 13, TextOnly: 11, ImagesFound: 4, ImagesMissing: 3,
		Sources:  map[string]int64{"tests": 15, "elsewhere": 1, "a": 1},
		Problems: map[reason.Code]int64{images.NotFound: 2, images.TooMany: 1, dataset.NoConversation: 1},
	}
	if len(got.Records) != 3 || got.Forms.String() != "LLaVA (16), not recognised (1)" {
		t.Errorf("forms %v, %d records shown; want those of LLaVA, and three records", got.Forms, len(got.Records))
	}
	others := cmpopts.IgnoreFields(run.Survey{},
		"TextBytes", "Shards", "Examples", "PerSecond", "Seconds", "Forms", "Records")
	if diff := cmp.Diff(want, got, others); diff != "" {
		t.Errorf("survey (-want +got):\n%s", diff)
	}
	e := got.Examples[images.NotFound]
	if strings.Contains(strings.Join(e, " "), "retry the run") {
		t.Errorf("examples %q advise to retry a run, which does not exist yet", e)
	}
	if len(got.Examples) != 3 || len(e) != 2 || !strings.Contains(e[0], "a.json: element ") {
		t.Errorf("examples %q, want those of each kind of problem, with their places", got.Examples)
	}
	if got.PerSecond <= 0 || got.Seconds <= 0 {
		t.Errorf("estimate: %v seconds at %v a second", got.Seconds, got.PerSecond)
	}
	if written := f.Objects(""); len(written) > 0 || len(f.Queue) > 0 {
		t.Errorf("it wrote %v and published %d messages", written, len(f.Queue))
	}
	started := f.Begin("datasets/demo/a.json")
	f.Finish(started)
	if st := f.Status(started.Run); st.Progress.Shards != got.Shards || st.Reasons[images.NotFound] != 2 {
		t.Errorf("the run has %d shards and the reasons %v; the survey foresaw %d and %v",
			st.Progress.Shards, st.Reasons, got.Shards, got.Problems)
	}
}

func TestSurveyNamesThreeOfAKind(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array([]string{`{"id": 1}`, `{"id": 2}`, `{"id": 3}`, `{"id": 4}`}))
	plan, err := f.Planner().Plan(t.Context(), run.Spec{Dataset: "demo", Manifests: []string{"a.json"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Planner().Survey(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	if got.Problems[dataset.NoConversation] != 4 || len(got.Examples[dataset.NoConversation]) != 3 {
		t.Errorf("problems %v with the examples %q, want three of four", got.Problems, got.Examples)
	}
}

func TestSurveyTriesAFew(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Limits.RangeBytes = 1 << 20
	var many []string
	for _, prefix := range []string{"a", "b", "c", "d", "e", "f"} {
		many = append(many, runtest.Plain(prefix, 100)...)
	}
	f.Upload("datasets/demo/a.jsonl", runtest.Lines(many))
	plan, err := f.Planner().Plan(t.Context(), run.Spec{Dataset: "demo", Manifests: []string{"a.jsonl"}})
	if err != nil {
		t.Fatal(err)
	}
	survey, err := f.Planner().Survey(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	if survey.Samples != 600 || survey.Valid != 600 || survey.Shards != 200 {
		t.Errorf("survey %+v, want 600 valid samples in 200 shards", survey)
	}
	if got := len(f.Scorer.Counts()); got != 100 {
		t.Errorf("%d samples were rated to estimate the time, want 100", got)
	}
}

func TestSurveyOfNothingValid(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.jsonl", runtest.Lines([]string{`{"id": "hollow"}`}))
	plan, err := f.Planner().Plan(t.Context(), run.Spec{Dataset: "demo", Manifests: []string{"a.jsonl"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Planner().Survey(t.Context(), plan)
	if err != nil || got.Valid != 0 || got.Seconds != 0 {
		t.Errorf("survey %+v, %v; want nothing valid and no estimate", got, err)
	}
}
