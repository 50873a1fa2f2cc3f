package events

import "fmt"

// Topics of a deployment. Their full names begin with the deployment's name, as in harvest-tasks.
const (
	TopicUploads = "uploads" // Cloud Storage's notifications of new objects in the input bucket
	TopicTasks   = "tasks"   // work: ranges to cut, shards to rate, selections to make, parts of them to write
	TopicEvents  = "events"  // CloudEvents that others may subscribe to
)

// Services that messages are pushed to. ServiceScoreGPU is absent from a deployment without a GPU.
const (
	ServiceIngest   = "ingest"
	ServiceScore    = "score"
	ServiceScoreGPU = "score-gpu"
	ServiceCurate   = "curate"
)

// gpuScorer is the value of AttrScorer for which a shard goes to ServiceScoreGPU.
const gpuScorer = "gpu"

// A Subscription has the messages of a topic pushed to a service.
type Subscription struct {
	Name    string // without the deployment's name
	Topic   string // one of the Topic constants
	Filter  string // in Pub/Sub's filter language; empty for all messages of the topic
	Service string // one of the Service constants
}

// Topics are all topics of a deployment.
func Topics() []string { return []string{TopicUploads, TopicTasks, TopicEvents} }

// Subscriptions are all push subscriptions of a deployment. Every message of a topic matches at most one of them.
func Subscriptions() []Subscription {
	shard := equals(AttrTask, TaskShard) + " AND "
	return []Subscription{
		{"ingest-uploads", TopicUploads, "", ServiceIngest},
		{"ingest-ranges", TopicTasks, equals(AttrTask, TaskRange), ServiceIngest},
		{"score", TopicTasks, shard + differs(AttrScorer, gpuScorer), ServiceScore},
		{"score-gpu", TopicTasks, shard + equals(AttrScorer, gpuScorer), ServiceScoreGPU},
		{"curate-parts", TopicTasks, equals(AttrTask, TaskPart), ServiceCurate},
		{"curate-selections", TopicTasks, equals(AttrTask, TaskSelect), ServiceCurate},
		{"curate-reconcile", TopicTasks, equals(AttrTask, TaskReconcile), ServiceCurate},
	}
}

// Source of the language: https://cloud.google.com/pubsub/docs/subscription-message-filter#filtering_syntax
func equals(attribute, value string) string {
	return fmt.Sprintf("attributes.%s = %q", attribute, value)
}

func differs(attribute, value string) string {
	return fmt.Sprintf("attributes.%s != %q", attribute, value)
}
