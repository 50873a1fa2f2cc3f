package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"go.yaml.in/yaml/v3"
)

// An input is a dataset on this machine: manifests and a folder of images.
type input struct {
	Dataset   string   `json:"dataset"`
	Manifests []string `json:"manifests"`        // absolute paths
	Images    string   `json:"images"`           // absolute path
	Rubric    string   `json:"rubric,omitempty"` // absolute path; the default rubric if empty
	// Recipe is the recipe that lists the manifests; nil if there is no recipe. Listed has the recipe's entries, in the
	// order of Manifests.
	Recipe *savedRecipe    `json:"recipe,omitempty"`
	Listed []recipeListing `json:"listed,omitempty"`
	// Format is the form of all records. If it is empty, the form of each record is recognised.
	Format string `json:"format,omitempty"`
	// Limit is the number of records of a trial; 0 for all records.
	Limit int64 `json:"limit,omitempty"`
	// Scorers has the URL of the run's scorer. Another URL does not make another run.
	Scorers kinds.Config `json:"scorers,omitzero"`
	// Order is the requested selection of the run; nil if no selection is requested.
	Order *order `json:"order,omitempty"`
	// typed has the names that the user typed for the manifests and the rubric, by their absolute paths. It is only for
	// messages.
	typed map[string]string
	// shown has the images as objects of the input bucket. If it is nil, the bucket has all files of the folder Images,
	// and follows links.
	shown *bucket.Content
}

// imagesContent returns the images as objects of the input bucket.
func (in input) imagesContent() bucket.Content {
	if in.shown != nil {
		return *in.shown
	}
	return bucket.AtFolder(in.Images)
}

// newInput finds a dataset's files. images is the folder of the images. If it is empty, the images are in the folder of
// the recipe that lists the manifests, or else in the folder of the first manifest. A manifest that is not a file of
// this machine is copied to the state folder, and its image names are relative to the current folder.
func newInput(ctx context.Context, manifests []string, images, state string) (input, error) {
	found := sourceFinder{state: state, images: images, stdin: os.Stdin}
	if err := found.find(ctx, manifests); err != nil {
		return input{}, err
	}
	in := input{typed: map[string]string{}}
	for _, s := range found.sources {
		if slices.Contains(in.Manifests, s.path) {
			return input{}, usageError{fmt.Errorf("manifest %s: it is named twice; name it once", s.typed)}
		}
		in.Manifests = append(in.Manifests, s.path)
		in.typed[s.path] = s.typed
		if found.recipe != nil {
			in.Listed = append(in.Listed, s.listing())
		}
	}
	folder := found.sources[0].folder
	if found.recipe != nil {
		in.Recipe, folder = &savedRecipe{found.path, found.content}, found.folder
	}
	images = cmp.Or(images, folder)
	abs, err := filepath.Abs(images)
	if err != nil {
		return input{}, fmt.Errorf("images %s: %w", images, err)
	}
	if info, err := os.Stat(abs); errors.Is(err, fs.ErrNotExist) {
		return input{}, usageError{fmt.Errorf("--images %s: there is no such folder; give the folder that the manifest's "+
			"image names are relative to", images)}
	} else if err != nil || !info.IsDir() {
		return input{}, usageError{
			fmt.Errorf("--images %s: it is not a folder; give the folder that the manifest's image names are relative to",
				images),
		}
	}
	in.Images, in.Dataset = abs, datasetName(in.Manifests)
	if found.recipe != nil {
		in.Dataset = datasetName([]string{found.path})
	}
	return in, nil
}

// readable returns the error of opening an existing file; nil if the file can be read.
func readable(path string) error {
	file, err := os.Open(path)
	if err == nil {
		return file.Close()
	}
	if fault, ok := errors.AsType[*fs.PathError](err); ok {
		return fault.Err
	}
	return err
}

var (
	notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
	// plainNames has file names that do not describe a dataset. Then the name of the folder is used.
	plainNames = map[string]bool{"dataset": true, "manifest": true, "data": true, "train": true, "annotations": true}
)

// maxPlainName is the maximum length of a dataset's name, in characters.
const maxPlainName = 80

// datasetName returns a name for the dataset of manifests, in ASCII. The ids of runs begin with this name. Users type
// these ids, and use them in URLs, names of objects and filters of Pub/Sub.
func datasetName(manifests []string) string {
	file := filepath.Base(manifests[0])
	name := dataset.Stem(file)
	if plainNames[strings.ToLower(name)] || len(manifests) > 1 {
		name = filepath.Base(filepath.Dir(manifests[0]))
	}
	return plainName(name, "dataset")
}

// plainName returns a name in ASCII, or byDefault if the name has no ASCII letter or digit. If a letter or digit is
// dropped, or the name is shortened, a hash of the whole name is added. Otherwise 数据 and данные would get the same
// name.
func plainName(name, byDefault string) string {
	plain := strings.Trim(notInNames.ReplaceAllString(name, "-"), "-._")
	lost := strings.ContainsFunc(name, func(r rune) bool {
		return r > unicode.MaxASCII && unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.S)
	})
	if plain == "" {
		plain = byDefault
	}
	if !lost && len(plain) <= maxPlainName {
		return plain
	}
	sum := sha256.Sum256([]byte(name))
	hash := "-" + hex.EncodeToString(sum[:3])
	return plain[:min(len(plain), maxPlainName-len(hash))] + hash
}

// withRubric returns the input with a rubric file.
func (in input) withRubric(file string) (input, error) {
	if file == "" {
		return in, nil
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return input{}, fmt.Errorf("rubric %s: %w", file, err)
	}
	if info, err := os.Stat(abs); err != nil || info.IsDir() {
		return input{}, usageError{fmt.Errorf("rubric %s: there is no such file", file)}
	}
	in.Rubric, in.typed[abs] = abs, file
	return in, nil
}

// reading returns the settings for reading the records of a manifest.
func (in input) reading(manifest int) forms.Reading {
	var reading forms.Reading
	if len(in.Listed) > 0 {
		reading = in.Listed[manifest].Reading
	}
	reading.Form = cmp.Or(in.Format, reading.Form)
	return reading
}

// withFormat returns the input with all records read as one form.
func (in input) withFormat(name string) (input, error) {
	if err := (forms.Reading{Form: name}).Validate(); err != nil {
		return input{}, usageError{fmt.Errorf("--format: %w", err)}
	}
	in.Format = name
	return in, nil
}

// rubricName is the name of the rubric file below the dataset's prefix.
const rubricName = "rubric.yaml"

// spec returns the content of the dataset's dataset.yaml. It turns the image check off, because commands check for
// changed images themselves.
func (in input) spec() run.Spec {
	spec := run.Spec{
		Dataset: in.Dataset, Format: in.Format, Images: in.imagesPrefix(), NoImageCheck: true, Limit: in.Limit,
		Readings: map[string]forms.Reading{}, Takes: map[string]dataset.Take{},
	}
	if in.Rubric != "" {
		spec.Rubric = rubricName
	}
	for i := range in.Manifests {
		name := in.manifestName(i)
		spec.Manifests = append(spec.Manifests, name)
		if reading := in.reading(i); len(in.Listed) > 0 && !reading.IsZero() {
			spec.Readings[name] = reading
		}
		if len(in.Listed) > 0 && !in.Listed[i].Take.IsZero() {
			spec.Takes[name] = in.Listed[i].Take
		}
	}
	return spec
}

// manifestName returns the name of a manifest below the dataset's prefix. Files with the same name from several folders
// are distinguished by their number.
func (in input) manifestName(i int) string {
	base := filepath.Base(in.Manifests[i])
	if len(in.Manifests) == 1 {
		return base
	}
	for j, other := range in.Manifests {
		if j != i && filepath.Base(other) == base {
			return fmt.Sprintf("parts/%d/%s", i+1, base)
		}
	}
	return "parts/" + base
}

// manifestObject returns the name of a manifest in the input bucket.
func (in input) manifestObject(i int) string {
	return run.DatasetsPrefix + in.Dataset + "/" + in.manifestName(i)
}

// refused replaces the object name of a manifest or the rubric in an error by the name that the user typed.
func (in input) refused(err error) error {
	refused, ok := errors.AsType[*run.RefusedError](err)
	if ok && refused.Object == run.DatasetsPrefix+in.Dataset+"/"+rubricName {
		rubric := "rubric " + cmp.Or(in.typed[in.Rubric], in.Rubric)
		return errors.New(strings.ReplaceAll(refused.Reason, refused.Object, rubric))
	}
	if errors.Is(err, run.ErrNoRecords) {
		return fmt.Errorf("%s: the manifest has no records; write at least one", strings.Join(in.names(), ", "))
	}
	format, ok := errors.AsType[*dataset.FormatError](err)
	if !ok {
		return in.asTyped(err)
	}
	for i := range in.Manifests {
		if format.File == in.manifestObject(i) {
			named := *format
			named.File = in.names()[i]
			return fmt.Errorf("manifest %w", &named)
		}
	}
	return err
}

// asTyped replaces the object names of manifests in a *run.RefusedError by the names that the user typed. It returns
// other errors unchanged.
func (in input) asTyped(err error) error {
	refused, ok := errors.AsType[*run.RefusedError](err)
	if !ok {
		return err
	}
	text := refused.Reason
	for i, name := range in.names() {
		text = strings.ReplaceAll(text, in.manifestObject(i), name)
	}
	if text == refused.Reason {
		return err
	}
	return errors.New(text)
}

// names returns the manifests as the user named them.
func (in input) names() []string {
	names := make([]string, len(in.Manifests))
	for i, path := range in.Manifests {
		names[i] = cmp.Or(in.typed[path], path)
	}
	return names
}

// paths returns the paths of the manifests by their names in the input bucket.
func (in input) paths() map[string]string {
	paths := map[string]string{}
	for i, path := range in.Manifests {
		paths[in.manifestObject(i)] = path
	}
	return paths
}

// imagesPrefix returns the prefix of the images in the input bucket. It depends on the folder of images, so the same
// manifest with another folder makes another run.
func (in input) imagesPrefix() string {
	sum := sha256.Sum256([]byte(in.Images))
	return fmt.Sprintf("images/%s-%s/", in.Dataset, hex.EncodeToString(sum[:4]))
}

// specObject returns the name of the dataset's dataset.yaml in the input bucket.
func (in input) specObject() string { return run.DatasetsPrefix + in.Dataset + "/" + run.SpecFile }

// bucket returns the input bucket: a view of the dataset's files, which are not copied.
func (in input) bucket(spec run.Spec) (bucket.Reader, error) {
	manifests := make([]bucket.Content, len(in.Manifests))
	for i, m := range in.Manifests {
		manifests[i] = bucket.AtFile(m)
	}
	return in.bucketOf(spec, manifests)
}

// bucketOf returns the input bucket with the given content of each manifest.
func (in input) bucketOf(spec run.Spec, manifests []bucket.Content) (bucket.Reader, error) {
	file, err := yaml.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("describing the dataset: %w", err)
	}
	entries := map[string]bucket.Content{
		in.specObject():   bucket.Literal(file),
		in.imagesPrefix(): in.imagesContent(),
	}
	if in.Rubric != "" {
		entries[run.DatasetsPrefix+in.Dataset+"/"+rubricName] = bucket.AtFile(in.Rubric)
	}
	for i := range in.Manifests {
		entries[in.manifestObject(i)] = manifests[i]
	}
	in.Order.addNear(entries)
	return bucket.NewView(entries)
}
