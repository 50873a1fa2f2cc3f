// Package export describes how a trainer gets a subset: the form of the records, the place of the images, and the other
// files that the trainer reads. It writes the card of an export, and no record.
package export

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// Names of trainers.
const (
	LLaVA        = "llava"
	LLaMAFactory = "llama-factory"
	Swift        = "ms-swift"
	TRL          = "trl"
	HF           = "hf"
	WebDataset   = "webdataset"
)

// Images is the place of the images of an export.
type Images string

// Values of Images.
const (
	// Copy puts images into a folder of the export, each image once, named by a hash of its content.
	Copy Images = "copy"
	// Link puts symbolic links to the images into this folder instead of copies.
	Link Images = "link"
	// Reference leaves images in place; records name them by absolute paths.
	Reference Images = "reference"
	// Embed puts images into the files of the records.
	Embed Images = "embed"
)

// A Request requests an export, in dataset.yaml or by a command.
type Request struct {
	// For is the name of a trainer; empty for no export.
	For string `yaml:"for" json:"for"`
	// Images is the place of the images; if empty, the first place that the trainer supports.
	Images Images `yaml:"images,omitempty" json:"images,omitempty"`
	// Licences are the licences of sources, in words, by the sources' names. They go into the card.
	Licences map[string]string `yaml:"licences,omitempty" json:"licences,omitempty"`
}

// A trainer describes the form in which a program reads a subset.
type trainer struct {
	name string
	form string // form of the records
	// format is the format of the file of records; empty for Parquet and tars.
	format dataset.Format
	// columns reports whether the trainer's loader makes columns from the fields of all records.
	columns bool
	// images are the supported places of images. The first one is the default.
	images []Images
}

var onDisk = []Images{Copy, Link, Reference}

// trainers lists all trainers.
var trainers = []trainer{
	{LLaVA, forms.LLaVATrainer, dataset.Array, false, onDisk},
	{LLaMAFactory, forms.ShareGPT, dataset.Array, true, onDisk},
	{Swift, forms.Swift, dataset.Lines, true, onDisk},
	{TRL, forms.TRL, dataset.Lines, true, []Images{Copy, Link, Reference, Embed}},
	{HF, forms.Parquet, "", true, []Images{Embed}},
	{WebDataset, forms.WebDataset, "", false, []Images{Embed}},
}

// Trainers returns the names of all trainers.
func Trainers() []string {
	var names []string
	for _, t := range trainers {
		names = append(names, t.name)
	}
	return names
}

// AllImages returns all values of Images.
func AllImages() []string {
	return []string{string(Copy), string(Link), string(Reference), string(Embed)}
}

// IsZero reports whether no export is requested.
func (r Request) IsZero() bool { return r.For == "" && r.Images == "" && len(r.Licences) == 0 }

// Complete sets empty fields of the request to their defaults. The error names the invalid field: for, or images.
func (r Request) Complete() (Request, error) {
	i := slices.IndexFunc(trainers, func(t trainer) bool { return t.name == r.For })
	switch {
	case r.For == "":
		return r, errors.New("for: it is missing; give one of " + strings.Join(Trainers(), ", "))
	case i < 0:
		return r, fmt.Errorf("for: %q is not a trainer%s; give one of %s",
			r.For, spelling.Hint(r.For, Trainers()), strings.Join(Trainers(), ", "))
	}
	t := trainers[i]
	r.Images = cmp.Or(r.Images, t.images[0])
	if slices.Contains(t.images, r.Images) {
		return r, nil
	}
	var names []string
	for _, images := range t.images {
		names = append(names, string(images))
	}
	if !slices.Contains(AllImages(), string(r.Images)) {
		return r, fmt.Errorf("images: %q is not a place of images%s; give %s", r.Images,
			spelling.Hint(string(r.Images), AllImages()), strings.Join(names, ", "))
	}
	return r, fmt.Errorf("images: %q is not for %s; give %s, or remove images", r.Images, r.For, strings.Join(names, ", "))
}

// Validate checks a request that may be zero.
func (r Request) Validate() error {
	if r.IsZero() {
		return nil
	}
	_, err := r.Complete()
	return err
}

// trainer returns the trainer of a complete request.
func (r Request) trainer() trainer {
	return trainers[slices.IndexFunc(trainers, func(t trainer) bool { return t.name == r.For })]
}

// Form returns the form of the records of a complete request (forms.Outputs).
func (r Request) Form() string { return r.trainer().form }

// Columns reports whether the loader of a complete request needs each field to have one type in all records.
func (r Request) Columns() bool { return r.trainer().columns }

// InParquet reports whether the records of a complete request are rows of Parquet.
func (r Request) InParquet() bool { return r.For == HF || r.For == TRL && r.Images == Embed }

// Records returns the path of the file of records, relative to the export, of a complete request. It is empty if the
// records are in tars.
func (r Request) Records() string {
	switch {
	case r.InParquet():
		return "data/train-00000-of-00001.parquet"
	case r.For == WebDataset:
		return ""
	default:
		return "data." + string(r.Format())
	}
}

// Format returns the format of Records if it is JSON; otherwise it returns "".
func (r Request) Format() dataset.Format { return r.trainer().format }

// Shard returns the file name of a tar of records, by its number from 0.
func Shard(number int) string { return fmt.Sprintf("shard-%06d.tar", number) }
