// Package hfparquet reads and writes Parquet files in the form of Hugging Face's datasets library: each row is a
// record, and images are in binary columns next to the texts, in structs {bytes, path}.
//
// Planning reads the footer. The JSON of rows is made without reading the columns of images. The counts in the footer,
// and the column path next to the images, show which images are null. The images are read, too, only if a file lacks
// this information. Images are read in the order of rows. A page is decoded once for all its rows, and its size is
// limited.
//
// A subset has the schema, the key-value metadata and the codecs of its source. Parts are row groups. The footer of the
// file is made from the notes of the parts.
package hfparquet
