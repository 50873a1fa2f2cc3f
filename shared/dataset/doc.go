// Package dataset is the form of instruction-tuning data: it finds the records of a manifest, checks
// their structure, and reads and writes them without changing a byte.
//
// A manifest is a JSON array of records, alone or in an object, JSONL, or objects one after the other. Split finds out
// which, names a file of another kind, and fixes the ranges in one pass. A Reader yields the samples of one range, a
// Writer writes raw records back as an array or JSONL, and WriteShard, ReadShard and ReadRecords carry records from one
// function to the next, in the form that README.md describes. A fault of a record is the Problem of its sample and
// fails nothing else; only a manifest whose records cannot be separated is refused as a whole, with a FormatError. What
// a record says is the subject of package forms, which gives a Reader its Parser. The images that samples name are the
// subject of package images.
package dataset
