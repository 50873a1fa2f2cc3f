package dataset

import "fmt"

// Limits bound the records that are read. The tags below set the defaults.
type Limits struct {
	// MaxRecordBytes is the size of the longest accepted record in bytes, 1 or more.
	MaxRecordBytes int `json:"max_record_bytes" env:"MAX_RECORD_BYTES, default=33554432" meaning:"longest record"`
}

// Validate reports a limit below 1 by the name of its variable.
func (l Limits) Validate() error {
	if l.MaxRecordBytes < 1 {
		return fmt.Errorf("MAX_RECORD_BYTES: %d; give 1 or more", l.MaxRecordBytes)
	}
	return nil
}
