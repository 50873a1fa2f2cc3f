package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
)

// lessons trains the embedded scorer for uploaded datasets that name a teacher, one dataset after the other. Then it
// begins the runs of these datasets. The work bucket keeps the weights, so after a restart serve trains only for the
// other datasets.
type lessons struct {
	input   bucket.Reader
	folder  string      // folder of the input bucket; empty if the bucket is not on this machine
	state   string      // state folder of the runs that rate samples for lessons; the service does not continue these runs
	scorer  scorerFlags // scorer flags of the service
	planner *run.Planner
	work    bucket.Bucket
	upload  func(context.Context, string) error // begins the run that an uploaded object starts
	log     *slog.Logger
	waiting chan string // objects whose runs wait for a lesson
}

// newLessons returns the lessons of a service with the options o.
func newLessons(f serveFlags, o local.Options, st *local.Stack) (_ *lessons, err error) {
	l := &lessons{
		input: o.Input, scorer: f.scorer, work: o.Work, upload: st.Upload, log: o.Log, waiting: make(chan string, 1024),
	}
	if folder, ok := o.Work.(*bucket.Folder); ok && !strings.HasPrefix(f.Input, "gs://") {
		l.state = filepath.Join(filepath.Dir(folder.Path(run.Root)), "lessons")
		if l.folder, err = filepath.Abs(f.Input); err != nil {
			return nil, fmt.Errorf("--input: %w", err)
		}
	}
	l.planner, err = run.NewPlanner(run.PlannerConfig{
		Runs: st.Runs, Input: o.Input, Work: o.Work, OpenScorer: o.OpenScorer, Limits: o.Limits, Memory: o.Memory,
	})
	return l, err
}

// arrived begins the run of an object. If its dataset has a teacher, the object first waits for the lesson.
func (l *lessons) arrived(ctx context.Context, object string) error {
	lesson, err := l.open(ctx, object)
	if err != nil || lesson == nil {
		return l.upload(ctx, object) // upload reports the error
	}
	if images := strings.TrimSuffix(lesson.Spec.Images, "/"); images != "" {
		if err := leadsOut(ctx, l.input, images); err != nil {
			l.log.Error("upload refused", "object", object, "error", err)
			return nil
		}
	}
	select {
	case l.waiting <- object:
	case <-ctx.Done():
	}
	return nil
}

// open returns the lesson that an object waits for; nil if it waits for no lesson. Without local folders nothing can be
// learned, and the run is refused.
func (l *lessons) open(ctx context.Context, object string) (*run.Lesson, error) {
	if l.folder == "" {
		return nil, nil
	}
	_, spec, starts, err := l.planner.Uploaded(ctx, object)
	if err == nil && !starts { // it may be the last file that a dataset.yaml waits for
		var awaiting run.Awaiting
		if awaiting, err = l.planner.Awaiting(ctx, object); err != nil || awaiting.Spec == "" || awaiting.Missing != "" {
			return nil, err
		}
		_, spec, starts, err = l.planner.Uploaded(ctx, awaiting.Spec)
	}
	if err != nil || !starts || spec.Teacher == nil {
		return nil, err
	}
	lesson, err := l.planner.Lesson(ctx, spec)
	if err != nil || lesson.Learned || lesson.Problem != "" {
		return nil, err
	}
	return &lesson, nil
}

// lessonPause is the pause after a lesson that failed with a transient error.
const lessonPause = time.Minute

// run learns the lessons of waiting objects until ctx ends.
func (l *lessons) run(ctx context.Context) error {
	for {
		var object string
		select {
		case <-ctx.Done():
			return nil
		case object = <-l.waiting:
		}
		err := l.settle(ctx, object)
		if _, machine := errors.AsType[*bucket.MachineError](err); machine {
			return err
		}
		if err != nil && ctx.Err() == nil {
			l.log.Warn("nothing was learned from the teacher yet; serve tries again", "object", object, "error", err)
			time.AfterFunc(lessonPause, func() {
				select {
				case l.waiting <- object:
				case <-ctx.Done():
				}
			})
		}
	}
}

// settle learns the lesson of an object, and then begins its run. If nothing can be learned from the teacher, the run
// is refused.
func (l *lessons) settle(ctx context.Context, object string) error {
	lesson, err := l.open(ctx, object)
	if err != nil || lesson == nil {
		return l.upload(ctx, object)
	}
	if err := l.learn(ctx, lesson); err != nil {
		return err
	}
	return l.upload(ctx, object)
}

// learn writes the learned weights to the work bucket. If nothing can be learned, it writes the reason.
func (l *lessons) learn(ctx context.Context, lesson *run.Lesson) error {
	name := scorer.TaughtName(lesson.Key)
	taught, err := l.teach(ctx, lesson.Spec)
	var content []byte
	if err == nil {
		content, err = os.ReadFile(taught.file)
	} else if unteachable(err) {
		l.log.Error("nothing can be learned from the teacher", "dataset", lesson.Spec.Dataset, "error", err)
		name = scorer.UntaughtName(lesson.Key)
		content, err = json.Marshal(map[string]string{"problem": err.Error()})
	}
	if err != nil {
		return err
	}
	_, err = bucket.CreateBytes(ctx, l.work, name, content)
	return err
}

// unteachable reports whether an error is permanent. An error of a server or of this machine is not permanent.
func unteachable(err error) bool {
	_, disagrees := errors.AsType[*disagreement](err)
	_, usage := errors.AsType[usageError](err)
	return disagrees || usage || errors.Is(err, training.ErrUseless)
}

// teach trains the embedded scorer on annotations by a dataset's teacher.
func (l *lessons) teach(ctx context.Context, spec run.Spec) (*lesson, error) {
	in := l.dataset(spec)
	var taught *lesson
	var err error
	if name := spec.Teacher.Annotations; name != "" {
		files := trainFiles{annotations: l.file(spec.Dataset, name), accept: spec.Teacher.Accept}
		if taught, err = in.learn(ctx, files, l.state, true); err != nil {
			return nil, err
		}
	} else {
		request := annotateRequest{
			by: l.teacher(spec.Teacher.Scorer, spec.Teacher.LLMMode), twice: askedTwice, accept: spec.Teacher.Accept,
			announce: func(p *purchase) {
				l.log.Info("a teacher is asked", "dataset", spec.Dataset, "scorer", p.Scorer, "samples", p.Samples,
					"twice", p.Twice, "input_tokens", p.InputTokens, "output_tokens", p.OutputTokens, "cost", p.cost(),
					"seconds", p.Seconds, "host", p.Host, "images", p.Images, "image_bytes", p.ImageBytes)
			},
		}
		request.each, request.least, request.samples = spec.Teacher.Numbers()
		if taught, err = in.teach(ctx, request, l.state, true); err != nil {
			return nil, err
		}
	}
	about := []any{"dataset", spec.Dataset, "samples", taught.Learned.Samples}
	if added := taught.Learned.Added; added != nil {
		about = append(about, "own", added.Own, "variant", added.Variant, "spearman", added.LeftOut.Mean.Spearman,
			"before", added.Before.Mean.Spearman)
	}
	l.log.Info("learned from the teacher", about...)
	return taught, nil
}

// teacher returns the flags of a scorer of this kind. The URL comes from the service's --scorer if this scorer has the
// same kind, else from the environment. If mode is not empty, the scorer uses this mode.
func (l *lessons) teacher(kind, mode string) scorerFlags {
	of := scorerFlags{scorer: kind}
	if own, _, _ := strings.Cut(l.scorer.scorer, ":"); own == kind {
		of = l.scorer
	}
	of.mode = cmp.Or(mode, of.mode)
	return of
}

// dataset returns a dataset of the input folder in the form that commands use. The planner found its files in the input
// bucket, so no file is a link that leads out of the bucket, unless links are followed.
func (l *lessons) dataset(spec run.Spec) input {
	in := input{Dataset: spec.Dataset, Format: spec.Format, typed: map[string]string{}}
	for _, name := range spec.Manifests {
		file := l.file(spec.Dataset, name)
		in.Manifests = append(in.Manifests, file)
		in.Listed = append(in.Listed, recipeListing{Reading: spec.Readings[name]})
		in.typed[file] = name
	}
	if spec.Rubric != "" {
		in.Rubric = l.file(spec.Dataset, spec.Rubric)
		in.typed[in.Rubric] = spec.Rubric
	}
	prefix := spec.ImagesPrefix()
	in.Images = filepath.Join(l.folder, filepath.FromSlash(prefix))
	if folder, ok := l.input.(*bucket.Folder); ok { // links are not followed
		shown := folder.Content(prefix)
		in.shown = &shown
	}
	return in
}

// file returns the path of a file of a dataset.
func (l *lessons) file(dataset, name string) string {
	return filepath.Join(l.folder, filepath.FromSlash(run.DatasetsPrefix+dataset+"/"+name))
}
