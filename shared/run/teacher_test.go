package run_test

import (
	"context"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// TestTeacher refuses the run of a dataset with a teacher if nothing was learned here, with the fix. When the learned
// weights are in the work bucket, the run begins with them.
func TestTeacher(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/parts/a.jsonl", []byte(strings.Repeat(turnsRecord, 3)))
	begin := func(teacher string) (*run.Plan, string) {
		f.Upload("datasets/demo/dataset.yaml", []byte("manifests: [parts/a.jsonl]\nteacher: "+teacher+"\n"))
		plan, err := f.Arrive("datasets/demo/dataset.yaml")
		if err != nil {
			return nil, err.Error()
		}
		return plan, ""
	}
	if _, problem := begin("{scorer: gpu}"); !strings.Contains(problem, "this service does not support teachers") ||
		!strings.Contains(problem, "harvest curate --teacher") {
		t.Errorf("without learned weights: %q", problem)
	}
	spec, err := run.ParseSpec("demo", []byte("manifests: [parts/a.jsonl]\nteacher: {scorer: llm}\n"))
	if err != nil {
		t.Fatal(err)
	}
	lesson, err := f.Planner().Lesson(t.Context(), spec)
	if err != nil || lesson.Learned || lesson.Problem != "" {
		t.Fatalf("lesson %+v, error %v", lesson, err)
	}
	if _, err := bucket.CreateBytes(t.Context(), f.Work, scorer.TaughtName(lesson.Key), []byte("weights")); err != nil {
		t.Fatal(err)
	}
	if plan, problem := begin("{scorer: llm}"); problem != "" || plan.Scorer != scorer.TaughtKind+lesson.Key {
		t.Errorf("with weights the plan is %+v, and the problem %q", plan, problem)
	}
	spec.Teacher.Accept = true
	if lesson, err = f.Planner().Lesson(t.Context(), spec); err != nil || lesson.Learned {
		t.Errorf("of another teacher's lesson %+v, error %v", lesson, err)
	}
	why := []byte(`{"problem": "it is random"}`)
	if _, err := bucket.CreateBytes(t.Context(), f.Work, scorer.UntaughtName(lesson.Key), why); err != nil {
		t.Fatal(err)
	}
	if _, problem := begin("{scorer: llm, accept: true}"); !strings.Contains(problem, "teacher: it is random") {
		t.Errorf("of a teacher from whom nothing can be learned: %q", problem)
	}
}

// A summed counts the requests for the checksum of each object, which reads the whole object on one machine.
type summed struct {
	bucket.Reader
	times map[string]int
}

func (b *summed) Checksum(ctx context.Context, name string) (uint32, error) {
	b.times[name]++
	return b.Reader.Checksum(ctx, name)
}

// TestTeacherReads reads the manifests of a dataset with a teacher once to identify its run.
func TestTeacherReads(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/parts/a.jsonl", []byte(strings.Repeat(turnsRecord, 3)))
	spec, err := run.ParseSpec("demo", []byte("manifests: [parts/a.jsonl]\nteacher: {scorer: llm}\n"))
	if err != nil {
		t.Fatal(err)
	}
	lesson, err := f.Planner().Lesson(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.CreateBytes(t.Context(), f.Work, scorer.TaughtName(lesson.Key), []byte("weights")); err != nil {
		t.Fatal(err)
	}
	input := &summed{f.Input, map[string]int{}}
	f.Input = input
	if _, _, err := f.Planner().Identify(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if n := input.times["datasets/demo/parts/a.jsonl"]; n != 1 {
		t.Errorf("the manifest is read %d times", n)
	}
}

// TestTeacherFaults checks the errors for invalid teachers.
func TestTeacherFaults(t *testing.T) {
	t.Parallel()
	for teacher, want := range map[string]string{
		"{}":                                  "teacher: give a scorer, llm or gpu, or the name of a file",
		"{scorer: llm, annotations: a.jsonl}": "teacher: give a scorer, llm or gpu, or the name of a file",
		"{scorer: \"llm:http://a\"}":          "cannot be a teacher; write llm or gpu",
		"{annotations: ../a.jsonl}":           "must be a name below datasets/demo/",
		"{scorer: llm, per_source: 0}":        "per_source 0, annotate_min 100 and annotate_max 2000",
		"{scorer: llm, annotate_max: 9}":      "annotate_min 100 and annotate_max 9",
		"{scorer: llm}\nscorer: gpu":          "leave out scorer: gpu",
		"{scorer: llm, persource: 3}":         "persource",
	} {
		_, err := run.ParseSpec("demo", []byte("manifests: [a.jsonl]\nteacher: "+teacher+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", teacher, err, want)
		}
	}
}
