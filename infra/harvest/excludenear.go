package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/similarity"
	evaluationsets "github.com/harvest-ml/harvest/shared/similarity/evaluation"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A nearFile is an evaluation set of --exclude-near: a file, or a folder of images.
type nearFile struct {
	Object string `json:"object"` // its name in the input bucket; the name of a folder ends with a slash
	Path   string `json:"path"`   // absolute
	Folder string `json:"folder"` // folder of the file and of the images that it names, or the folder itself
}

// nearFiles returns the evaluation sets at these paths.
func nearFiles(paths []string) (files []nearFile, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s: there is no such file or folder", path)
		} else if err != nil {
			return nil, err
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		file := nearFile{Path: abs, Folder: abs}
		if !info.IsDir() {
			file.Folder, file.Object = filepath.Dir(abs), filepath.Base(abs)
		}
		sum := sha256.Sum256([]byte(file.Folder))
		file.Object = "evaluations/" + hex.EncodeToString(sum[:4]) + "/" + file.Object
		files = append(files, file)
	}
	return files, nil
}

// nearObjects returns the names of evaluation sets in the input bucket.
func nearObjects(files []nearFile) (names []string) {
	for _, file := range files {
		names = append(names, file.Object)
	}
	return names
}

// nearPath returns the path of the evaluation set with this name in the input bucket. It is empty if the order is nil
// or has no such set.
func (o *order) nearPath(object string) string {
	if o == nil {
		return ""
	}
	for _, file := range o.Near {
		if file.Object == object {
			return file.Path
		}
	}
	return ""
}

// addNear adds the evaluation sets of an order to the entries of the input bucket.
func (o *order) addNear(entries map[string]bucket.Content) {
	if o == nil {
		return
	}
	for _, file := range o.Near {
		folder, _, _ := strings.Cut(strings.TrimPrefix(file.Object, "evaluations/"), "/")
		entries["evaluations/"+folder+"/"] = bucket.AtFolder(file.Folder)
	}
}

// nearInput returns an input bucket with only the evaluation sets of the order.
func (o *order) nearInput() (bucket.Reader, error) {
	entries := map[string]bucket.Content{}
	o.addNear(entries)
	return bucket.NewView(entries)
}

// evaluations returns the evaluation sets of the order for a command without a session.
func (o *order) evaluations(ctx context.Context) (evaluationsets.Source, error) {
	l, err := limits(ctx)
	if err != nil {
		return evaluationsets.Source{}, err
	}
	budget, err := imageMemory(l.Images, kinds.Config{})
	if err != nil {
		return evaluationsets.Source{}, err
	}
	input, err := o.nearInput()
	return evaluationsets.Source{Input: input, Memory: budget}, err
}

// typedNear replaces the object names of the order's evaluation sets in an error by their paths on this machine.
func (o order) typedNear(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, file := range o.Near {
		text = strings.ReplaceAll(text, file.Object, file.Path)
	}
	if text == err.Error() {
		return err
	}
	return usageError{byFlags(errors.New(text))}
}

// printEvaluations prints the number of samples that are near to evaluation sets.
func (r *result) printEvaluations(w io.Writer) error {
	found := r.selection.Evaluations
	if found == nil {
		return nil
	}
	var sources []string
	for _, name := range slices.Sorted(maps.Keys(found.ImageSources)) {
		sources = append(sources, fmt.Sprintf("%s %d", name, found.ImageSources[name]))
	}
	text := fmt.Sprintf("with an image of the evaluation sets: %s of %s", separated(int64(found.Both+found.Image)),
		number(int(r.Samples.In), "sample"))
	if len(sources) > 0 {
		text += " (" + strings.Join(sources, ", ") + ")"
	}
	text += fmt.Sprintf(", %s of them with the text too; only with the text: %s. Left out: %s.",
		separated(int64(found.Both)), separated(int64(found.Text)), separated(int64(found.Dropped)))
	if _, err := fmt.Fprintf(w, "\n%s\n", folded(text, "")); err != nil {
		return err
	}
	for _, set := range found.Sets {
		_, err := fmt.Fprintf(w, "  %s: %s, %s\n", nameOfSet(set), number(set.Items, "item"),
			number(set.Images, "image"))
		if err != nil {
			return err
		}
	}
	return nil
}

// warnOfEvaluations warns of images of evaluation sets that could not be compared.
func warnOfEvaluations(w io.Writer, found *subset.Contamination) {
	if found == nil {
		return
	}
	for _, set := range found.Sets {
		if set.Unread > 0 {
			example := ""
			if set.Example != "" {
				example = fmt.Sprintf(", such as %q,", set.Example)
			}
			fmt.Fprintf(w, "harvest: warning: --exclude-near: %d of %d images of %s%s were not found, or are damaged: no "+
				"sample was compared with them\n", set.Unread, set.Unread+set.Images, nameOfSet(set), example)
		}
	}
}

// nameOfSet returns the name of the file of an evaluation set.
func nameOfSet(set subset.EvaluationSet) string {
	_, name, _ := strings.Cut(strings.TrimPrefix(set.Name, "evaluations/"), "/")
	if name == "" {
		return "the folder of images"
	}
	return name
}

// nearInWords returns a description of the item or sample that a sample is near to.
func nearInWords(near *subset.NearTo) string {
	return fmt.Sprintf("near to %s (the hashes of copies differ in at most %d bits for an image, and %d bits for a "+
		"text)", near,
		similarity.ImageMost, similarity.TextMost)
}
