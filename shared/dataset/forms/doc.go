// Package forms parses the records of datasets. Records have different forms: the forms use different field names, and
// mark the places of images in different ways.
//
// Table lists the forms. Each form has a file with an example of a record, and with the functions that recognise a
// record and read its turns and images. The other steps are the same for all forms: finding the places of images,
// checks, and building the sample. So the prompts for a sample do not depend on its form. A Reading sets the form of
// all records of a manifest, and what a recipe states about them. README.md is generated from Table.
//
// This package imports package dataset, which defines samples and separates the records of a manifest without parsing
// them. A dataset.Reader gets the dataset.Parser of a Reading, because dataset cannot import this package.
package forms
