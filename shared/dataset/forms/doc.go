// Package forms reads the records of datasets in the forms that people have: each names its fields in its own way, and
// says in its own way where an image is.
//
// Table lists the forms; one file holds each. A form says what a record of it looks like, how it is recognised, and how
// its turns and images are read. What follows is the same for all: places for the images, checks, and a sample whose
// prompts do not depend on the form. A Reading overrides what is recognised, and says what a file next to a manifest
// says about it. README.md is generated from Table.
//
// It is above package dataset, which holds the model of a sample and separates the records of a manifest without
// knowing what they mean: dataset.Reader is given the dataset.Parser of a Reading. The other way round, dataset would
// need the forms to read records, and the forms need dataset's samples.
package forms
