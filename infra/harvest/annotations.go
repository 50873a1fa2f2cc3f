package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/spf13/cobra"
)

// annotatedFlags name annotations and the dataset that they are of.
type annotatedFlags struct {
	annotations string
	manifests   []string
	images      string
	rubric      string
}

func (f *annotatedFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.annotations, "annotations", "", "file of annotations, one JSON object a line")
	cmd.Flags().StringArrayVar(&f.manifests, "manifest", nil, "manifest, as one without the flag")
	imagesFlag(cmd, &f.images)
	rubricFlag(cmd, &f.rubric)
}

// An annotated dataset is a dataset and the annotations of some of its samples.
type annotated struct {
	input
	rubric      *rubric.Rubric
	annotations []annotation.Annotation
	limits      run.Limits
}

// read reads all but the manifests.
func (f annotatedFlags) read(cmd *cobra.Command, args []string) (*annotated, error) {
	manifests := slices.Concat(f.manifests, args)
	if err := manifestArgs(cmd, manifests); err != nil {
		return nil, err
	}
	if f.annotations == "" {
		return nil, usageError{errors.New("--annotations is missing; give the file of annotations")}
	}
	in, err := newInput(manifests, f.images)
	if err != nil {
		return nil, err
	}
	if in, err = in.withRubric(f.rubric); err != nil {
		return nil, err
	}
	data := &annotated{input: in, rubric: rubric.Default()}
	if data.limits, err = limits(cmd.Context()); err != nil {
		return nil, err
	}
	if in.Rubric != "" {
		file, err := os.ReadFile(in.Rubric)
		if err != nil {
			return nil, fmt.Errorf("reading rubric: %w", err)
		}
		if data.rubric, err = rubric.Parse(file); err != nil {
			return nil, fmt.Errorf("%s: %w", f.rubric, err)
		}
	}
	data.annotations, err = readAnnotations(f.annotations, data.rubric)
	return data, err
}

func readAnnotations(name string, rub *rubric.Rubric) ([]annotation.Annotation, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{fmt.Errorf("annotations %s: there is no such file", name)}
	} else if err != nil {
		return nil, fmt.Errorf("reading annotations: %w", err)
	}
	defer file.Close()
	annotations, err := annotation.Read(file, name, rub)
	if err == nil && len(annotations) == 0 {
		err = fmt.Errorf("%s: holds no annotation", name)
	}
	return annotations, err
}

// A found sample is one that is annotated.
type found struct {
	manifest   int
	sample     *dataset.Sample
	annotation annotation.Annotation
}

// find reads the manifests for the annotated samples, and returns those that it finds, in the order of the
// manifests, and the ids of the others. Of several records with one id the first sound one counts. That none is there is an error.
func (data *annotated) find() (samples []found, absent []string, err error) {
	wanted := map[string]annotation.Annotation{}
	for _, a := range data.annotations {
		wanted[a.ID] = a
	}
	at := map[string]int{}
	err = eachSample(data.Manifests, data.limits.Records, func(manifest int, s *dataset.Sample) error {
		a, isWanted := wanted[s.ID]
		if !isWanted {
			return nil
		}
		i, again := at[s.ID]
		if again && (s.Problem != nil || samples[i].sample.Problem == nil) {
			return nil
		} else if again {
			samples[i].sample = nil
		}
		at[s.ID] = len(samples)
		samples = append(samples, found{manifest, s, a})
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	samples = slices.DeleteFunc(samples, func(f found) bool { return f.sample == nil })
	for _, a := range data.annotations {
		if _, there := at[a.ID]; !there {
			absent = append(absent, a.ID)
		}
	}
	if len(samples) == 0 {
		return nil, nil, fmt.Errorf("none of the %d annotated samples is in the manifests: the first is %q; name the manifests that were annotated", len(absent), absent[0])
	}
	return samples, absent, nil
}
