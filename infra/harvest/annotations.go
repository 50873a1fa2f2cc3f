package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	containers "github.com/harvest-ml/harvest/shared/dataset/container/kinds"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/spf13/cobra"
)

// annotationFlags are the flags that name a file of annotations and its dataset.
type annotationFlags struct {
	annotations string
	manifests   []string
	images      string
	rubric      string
	format      string
}

func (f *annotationFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.annotations, "annotations", "",
		"file of annotations, one JSON object per line; it may be compressed")
	cmd.Flags().StringArrayVar(&f.manifests, "manifest", nil, "a manifest; the same as a manifest argument")
	imagesFlag(cmd, &f.images)
	rubricFlag(cmd, &f.rubric)
	formatFlag(cmd, &f.format)
}

// An annotationSet is a dataset with annotations of some samples.
type annotationSet struct {
	input
	rubric      *rubric.Rubric
	annotations []annotation.Annotation
	limits      run.Limits
}

// read reads the annotations and the rubric. It does not read the manifests.
func (f annotationFlags) read(cmd *cobra.Command, args []string) (*annotationSet, error) {
	manifests := slices.Concat(f.manifests, args)
	if err := manifestArgs(cmd, manifests); err != nil {
		return nil, err
	}
	if f.annotations == "" {
		return nil, usageError{errors.New("--annotations is missing; give the file of annotations")}
	}
	in, err := newInput(cmd.Context(), manifests, f.images, "")
	if err != nil {
		return nil, err
	}
	if in, err = in.withRubric(f.rubric); err != nil {
		return nil, err
	}
	if in, err = in.withFormat(f.format); err != nil {
		return nil, err
	}
	return in.annotatedBy(cmd.Context(), f.annotations)
}

// annotatedBy returns the dataset with the annotations of a file.
func (in input) annotatedBy(ctx context.Context, annotations string) (*annotationSet, error) {
	set := &annotationSet{input: in}
	var err error
	if set.limits, err = limits(ctx); err != nil {
		return nil, err
	}
	if set.rubric, err = in.openRubric(); err != nil {
		return nil, err
	}
	set.annotations, err = readAnnotations(annotations, set.rubric, set.limits.Compressed)
	return set, err
}

// openRubric returns the rubric that the input names, or the default rubric if the input names no rubric.
func (in input) openRubric() (*rubric.Rubric, error) {
	if in.Rubric == "" {
		return rubric.Default(), nil
	}
	file, err := bucket.ReadWholeFile(in.Rubric, rubric.MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("reading rubric: %w", err)
	}
	r, err := rubric.Parse(file)
	if err != nil {
		return nil, fmt.Errorf("rubric %s: %w", cmp.Or(in.typed[in.Rubric], in.Rubric), spelling.YAML(err, r))
	}
	return r, nil
}

// maxAnnotationBytes is the maximum size of an unpacked file of annotations.
const maxAnnotationBytes = 1 << 30

// readAnnotations reads a file of annotations that were made under a rubric. The file may be compressed. If it is
// empty, readAnnotations returns an error.
func readAnnotations(
	name string, rub *rubric.Rubric, limits compression.Limits,
) ([]annotation.Annotation, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{fmt.Errorf("annotations %s: there is no such file", name)}
	} else if err != nil {
		return nil, fmt.Errorf("reading annotations: %w", err)
	}
	defer file.Close()
	packed, err := packedKind(file)
	if err != nil {
		return nil, fmt.Errorf("reading annotations: %w", err)
	}
	var lines io.Reader = file
	if packed != "" {
		unpacked, to := io.Pipe()
		defer unpacked.Close()
		go func() {
			limits := limits.AtMost(maxAnnotationBytes, "a file of annotations")
			to.CloseWithError(compression.Unpack(to, file, packed, limits))
		}()
		lines = unpacked
	}
	annotations, err := annotation.Read(lines, name, rub)
	if err == nil && len(annotations) == 0 {
		err = fmt.Errorf("%s: the file has no annotation; write at least one, a JSON object a line", name)
	}
	return annotations, err
}

// A datasetSample is a sample of a dataset, and its annotation if the sample is annotated.
type datasetSample struct {
	manifest   int // number of its manifest
	sample     *dataset.Sample
	number     int                   // number among the samples with the same id, from 1; 0 if not known
	annotation annotation.Annotation // its ID is the sample's name (dataset.Lookup)
}

// find reads the manifests for the annotated samples. It returns the samples, in the order of the manifests, and the
// ids of annotations without a sample. The id of an annotation names all samples with this id, or one of these samples
// (dataset.Lookup). An annotation of one sample takes precedence over an annotation of all samples with its id. If an
// id names several samples, invalid samples are left out. If no sample is found, find returns an error.
func (set *annotationSet) find(ctx context.Context) (samples []datasetSample, absent []string, err error) {
	names := make([]string, len(set.annotations))
	for i, a := range set.annotations {
		names[i] = a.ID
	}
	lookup := dataset.NewLookup(names)
	candidates := map[int]datasetSample{} // by position in the dataset
	position := 0
	err = set.eachSample(ctx, set.limits, func(manifest int, s *dataset.Sample) error {
		if lookup.Add(s.ID) {
			candidates[position] = datasetSample{manifest: manifest, sample: s}
		}
		position++
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	annotations := map[int]annotation.Annotation{}
	for _, numbered := range []bool{false, true} {
		for _, a := range set.annotations {
			if lookup.Numbered(a.ID) != numbered {
				continue
			}
			positions := valid(lookup.Positions(a.ID), candidates)
			if len(positions) == 0 {
				absent = append(absent, a.ID)
			}
			for _, at := range positions {
				annotations[at] = a
			}
		}
	}
	for _, at := range slices.Sorted(maps.Keys(annotations)) {
		found := candidates[at]
		found.annotation = annotations[at]
		samples = append(samples, found)
	}
	if len(samples) == 0 {
		return nil, nil, fmt.Errorf("none of the annotated samples (%d) is in the manifests: the first is %q; "+
			"name the manifests that were annotated", len(absent), absent[0])
	}
	return samples, absent, nil
}

// valid returns the positions of valid samples. If no sample is valid, it returns the first position, so that the
// problem of this sample is reported.
func valid(positions []int, samples map[int]datasetSample) []int {
	left := slices.DeleteFunc(slices.Clone(positions), func(at int) bool { return samples[at].sample.Problem != nil })
	if len(left) == 0 {
		return positions[:min(len(positions), 1)]
	}
	return left
}

// eachSample reads the manifests once, in order, and calls use for every record with the number of its manifest.
// Records with the same id are all passed to use.
func (in input) eachSample(
	ctx context.Context, limits run.Limits, use func(manifest int, s *dataset.Sample) error,
) error {
	read := func(i int, name string) error {
		file, err := openManifest(ctx, name, limits.Compressed)
		if err != nil {
			return err
		}
		defer file.Close()
		parse, err := in.reading(i).Parser()
		if err != nil {
			return err
		}
		return containers.EachSample(ctx, file.File, filepath.Base(name), limits.Records, parse,
			func(s *dataset.Sample) error { return use(i, s) })
	}
	for i, name := range in.Manifests {
		err := read(i, name)
		if format, ok := errors.AsType[*dataset.FormatError](err); ok {
			format.File = in.manifestObject(i)
			return in.refused(format)
		} else if err != nil {
			return fmt.Errorf("manifest %s: %w", name, err)
		}
	}
	return nil
}

// absentInTable is the maximum number of printed annotations without a sample. --json prints all of them.
const absentInTable = 10

// printAbsent prints a line about annotations without a sample. If ids is empty, it prints nothing.
func printAbsent(w io.Writer, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	have := "annotations have"
	if len(ids) == 1 {
		have = "annotation has"
	}
	var names []string
	for _, id := range ids[:min(len(ids), absentInTable)] {
		names = append(names, strconv.Quote(id))
	}
	text := fmt.Sprintf("%s %s no sample in the manifests, such as %s.",
		separated(len(ids)), have, strings.Join(names, ", "))
	_, err := fmt.Fprintln(w, folded(text, ""))
	return err
}
