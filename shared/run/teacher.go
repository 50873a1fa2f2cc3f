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
	// Scorer is the kind of scorer, llm or gpu. Its URL is configured in the service.
	Scorer string `yaml:"scorer,omitempty" json:"scorer,omitempty"`
	// LLMMode is the mode of the scorer llm, json or logprobs; the service's mode if empty.
	LLMMode string `yaml:"llm_mode,omitempty" json:"llm_mode,omitempty"`
	// Annotations is the name of a file of annotations relative to datasets/<dataset>/.
	Annotations string `yaml:"annotations,omitempty" json:"annotations,omitempty"`
	// PerSource is the number of samples of each source that the scorer annotates. AnnotateMin and AnnotateMax limit the
	// number of all annotated samples. The defaults are 10, 100 and 2,000.
	PerSource   *int `yaml:"per_source,omitempty" json:"per_source,omitempty"`
	AnnotateMin *int `yaml:"annotate_min,omitempty" json:"annotate_min,omitempty"`
	AnnotateMax *int `yaml:"annotate_max,omitempty" json:"annotate_max,omitempty"`
	// Accept accepts a scorer whose ratings depend on the order of the questions.
	Accept bool `yaml:"accept,omitempty" json:"accept,omitempty"`
}

// The defaults of a Teacher's numbers.
const (
	PerSource   = 10
	AnnotateMin = 100
	AnnotateMax = 2000
)

// Numbers returns PerSource, AnnotateMin and AnnotateMax, or their defaults.
func (t Teacher) Numbers() (each, least, most int) {
	given := func(n *int, byDefault int) int {
		if n == nil {
			return byDefault
		}
		return *n
	}
	return given(t.PerSource, PerSource), given(t.AnnotateMin, AnnotateMin), given(t.AnnotateMax, AnnotateMax)
}

// validate returns an error that names every fault of the teacher of a spec.
func (t Teacher) validate(s Spec) error {
	var faults []error
	if (t.Scorer == "") == (t.Annotations == "") {
		faults = append(faults, errors.New("teacher: give a scorer, llm or gpu, or the name of a file of annotations"))
	}
	if t.Scorer != "" && t.Scorer != scorer.LLM && t.Scorer != scorer.GPU {
		faults = append(faults, fmt.Errorf("teacher: scorer: %q cannot be a teacher; write llm or gpu", t.Scorer))
	}
	if err := checkMode(t.LLMMode, cmp.Or(t.Scorer, "a file of annotations")); err != nil {
		faults = append(faults, fmt.Errorf("teacher: %w", err))
	}
	if s.LLMMode != "" {
		faults = append(faults, errors.New("llm_mode: the dataset has a teacher; move llm_mode below teacher"))
	}
	if name := t.Annotations; name != "" && (path.Clean(name) != name || path.IsAbs(name) || outside(name)) {
		faults = append(faults, fmt.Errorf("teacher: annotations: %q must be a name below %s%s/, without `.` or `..`",
			name, DatasetsPrefix, s.Dataset))
	}
	if each, least, most := t.Numbers(); each < 1 || least < 0 || most < 1 || least > most {
		faults = append(faults, fmt.Errorf("teacher: per_source %d, annotate_min %d and annotate_max %d: give a per_source "+
			"of 1 or more, and an annotate_max that is not below annotate_min", each, least, most))
	}
	if s.Scorer != "" {
		faults = append(faults, fmt.Errorf("teacher: the embedded scorer learns from the teacher and rates the dataset; "+
			"leave out scorer: %s", s.Scorer))
	}
	return errors.Join(faults...)
}

// A Lesson describes what the embedded scorer has to learn from the teacher of a dataset.
type Lesson struct {
	// Key depends on the teacher, on the dataset's manifests and rubric, and on the weights before learning.
	Key string
	// Spec is the spec with the manifests' names of objects, and with their readings.
	Spec Spec
	// Learned is true if the weights exist in the work bucket, as scorer.TaughtName. If learning failed, Problem is the
	// reason.
	Learned bool
	Problem string
}

// Lesson returns the lesson of a spec with a teacher, and whether it was learned. The error is a *RefusedError if the
// dataset or the spec is invalid.
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
		return Lesson{}, &RefusedError{Reason: "teacher: it cannot be used with takes; write the part of the manifest to a " +
			"separate file"}
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

// look sets Learned and Problem from the work bucket.
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

// taught returns the kind of scorer of a dataset with a teacher. It refuses the dataset if nothing was learned: only
// `harvest serve` and `harvest curate` use teachers, on a machine that has the dataset.
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
	return "", &RefusedError{Reason: "teacher: this service does not support teachers. Copy the dataset with its " +
		"dataset.yaml into the folder of `harvest serve --input FOLDER`, or run `harvest curate --teacher` on a machine " +
		"that has the dataset. Or make weights with `harvest train --add`, give them as EMBEDDED_WEIGHTS of the " +
		"service, and leave teacher out"}
}
