package run

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// A Teacher provides annotations of a part of a dataset: a scorer, or a file of annotations. The embedded scorer learns
// from them before it rates the whole dataset.
type Teacher struct {
	// Scorer is the kind, llm or gpu. The service knows its address.
	Scorer string `yaml:"scorer,omitempty" json:"scorer,omitempty"`
	// LLMMode is how the scorer llm asks its model, json or logprobs; as the service does if empty.
	LLMMode string `yaml:"llm_mode,omitempty" json:"llm_mode,omitempty"`
	// Annotations is the name of a file of annotations relative to datasets/<dataset>/.
	Annotations string `yaml:"annotations,omitempty" json:"annotations,omitempty"`
	// PerSource is how many samples of each source the scorer annotates; AnnotateMin and AnnotateMax bound the number over
	// all sources. The defaults are 10, 100 and 2,000.
	PerSource   *int `yaml:"per_source,omitempty" json:"per_source,omitempty"`
	AnnotateMin *int `yaml:"annotate_min,omitempty" json:"annotate_min,omitempty"`
	AnnotateMax *int `yaml:"annotate_max,omitempty" json:"annotate_max,omitempty"`
	// Accept continues with a scorer whose ratings change with the order in which it is asked.
	Accept bool `yaml:"accept,omitempty" json:"accept,omitempty"`
}

// The numbers of a Teacher that names none.
const (
	PerSource   = 10
	AnnotateMin = 100
	AnnotateMax = 2000
)

// Numbers are how many samples of each source are annotated, and the bounds of the number over all sources.
func (t Teacher) Numbers() (each, least, most int) {
	given := func(n *int, byDefault int) int {
		if n == nil {
			return byDefault
		}
		return *n
	}
	return given(t.PerSource, PerSource), given(t.AnnotateMin, AnnotateMin), given(t.AnnotateMax, AnnotateMax)
}

// validate names every fault of the teacher of a spec.
func (t Teacher) validate(s Spec) error {
	var faults []error
	if (t.Scorer == "") == (t.Annotations == "") {
		faults = append(faults, errors.New("teacher: give a scorer, llm or gpu, or the name of a file of annotations"))
	}
	if t.Scorer != "" && t.Scorer != scorer.LLM && t.Scorer != scorer.GPU {
		faults = append(faults, fmt.Errorf("teacher: scorer: %q cannot be a teacher; write llm or gpu, whose addresses "+
			"the service knows", t.Scorer))
	}
	if err := checkMode(t.LLMMode, cmp.Or(t.Scorer, "a file of annotations")); err != nil {
		faults = append(faults, fmt.Errorf("teacher: %w", err))
	}
	if s.LLMMode != "" {
		faults = append(faults, errors.New("llm_mode: stands below teacher where a dataset has one"))
	}
	if name := t.Annotations; name != "" && (path.Clean(name) != name || path.IsAbs(name) || outside(name)) {
		faults = append(faults, fmt.Errorf("teacher: annotations: %q must be a name below %s%s/, without `.` or `..`",
			name, DatasetsPrefix, s.Dataset))
	}
	if each, least, most := t.Numbers(); each < 1 || least < 0 || most < 1 || least > most {
		faults = append(faults, fmt.Errorf("teacher: per_source %d, annotate_min %d and annotate_max %d: give 1 or more of "+
			"each source, and an annotate_max that is not below annotate_min", each, least, most))
	}
	if s.Scorer != "" {
		faults = append(faults, fmt.Errorf("teacher: the dataset is rated by the embedded scorer that has learned from it; "+
			"leave out scorer: %s", s.Scorer))
	}
	return errors.Join(faults...)
}

// A Lesson describes what the embedded scorer has to learn from the teacher of a dataset.
type Lesson struct {
	// Key depends on the teacher, on the dataset's manifests and rubric, and on the weights before learning.
	Key string
	// Spec has the names of objects as manifests, with their readings.
	Spec Spec
	// Learned says that the weights are in the work bucket, as scorer.TaughtName. Problem says why there are none.
	Learned bool
	Problem string
}

// Lesson finds what has to be learned for a spec with a teacher, and whether it was learned. A *RefusedError is a fault
// of the dataset or the spec.
func (p *Planner) Lesson(ctx context.Context, spec Spec) (Lesson, error) {
	if err := spec.Validate(); err != nil {
		return Lesson{}, &RefusedError{Reason: err.Error()}
	}
	prefix := DatasetsPrefix + spec.Dataset + "/"
	asked, err := p.rubric(ctx, prefix, spec.Rubric)
	if err != nil {
		return Lesson{}, err
	}
	files, err := p.files(ctx, spec)
	if err != nil {
		return Lesson{}, err
	}
	return p.lesson(ctx, files, asked)
}

// lesson is Lesson of a dataset whose manifests are known.
func (p *Planner) lesson(ctx context.Context, files *manifestFiles, asked *rubric.Rubric) (Lesson, error) {
	spec := files.spec
	if len(spec.Takes) > 0 {
		return Lesson{}, &RefusedError{Reason: "teacher: it cannot be used if only a part of a manifest is taken; write " +
			"that part to a file of its own"}
	}
	before, err := p.open(ctx, scorer.Embedded, rubric.Default())
	if err != nil {
		return Lesson{}, err
	}
	learned := slices.Clone(files.manifests)
	if name := spec.Teacher.Annotations; name != "" {
		file, err := p.stat(ctx, DatasetsPrefix+spec.Dataset+"/"+name)
		if err != nil {
			return Lesson{}, err
		}
		file.Reading = spec.reading(name)
		learned = append(learned, file)
	}
	identity, err := json.Marshal([]any{spec.Teacher, spec.Images, learned, asked.Hash(), before.ID()})
	if err != nil {
		return Lesson{}, fmt.Errorf("describing the teacher: %w", err)
	}
	sum := sha256.Sum256(identity)
	l := Lesson{Key: hex.EncodeToString(sum[:6]), Spec: spec}
	return l, l.look(ctx, p.texts.Work)
}

// look finds out whether the lesson was learned.
func (l *Lesson) look(ctx context.Context, work bucket.Reader) error {
	_, err := work.Stat(ctx, scorer.TaughtName(l.Key))
	if l.Learned = err == nil; l.Learned || !errors.Is(err, bucket.ErrNotExist) {
		return err
	}
	data, err := bucket.ReadAll(ctx, work, scorer.UntaughtName(l.Key))
	if errors.Is(err, bucket.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	var said struct{ Problem string }
	if err := json.Unmarshal(data, &said); err != nil {
		return fmt.Errorf("reading %s: %w", scorer.UntaughtName(l.Key), err)
	}
	l.Problem = cmp.Or(said.Problem, "nothing was learned")
	return nil
}

// taught is the kind of scorer of a dataset with a teacher. It refuses one of which nothing was learned: teachers are
// asked by `harvest serve` and `harvest curate`, on a machine that has the dataset.
func (p *Planner) taught(ctx context.Context, files *manifestFiles, asked *rubric.Rubric) (string, error) {
	l, err := p.lesson(ctx, files, asked)
	switch {
	case err != nil:
		return "", err
	case l.Learned:
		return scorer.TaughtKind + l.Key, nil
	case l.Problem != "":
		return "", &RefusedError{Reason: "teacher: " + l.Problem}
	}
	return "", &RefusedError{Reason: "teacher: this service asks no teacher. Drop the dataset with its dataset.yaml " +
		"where `harvest serve --input FOLDER` runs, or give `harvest curate --teacher` on a machine that has the dataset. " +
		"Or have weights learned by `harvest train --add`, name them in the service's EMBEDDED_WEIGHTS, and leave teacher " +
		"out"}
}
