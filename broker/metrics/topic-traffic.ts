/**
 * What went in and out, per topic and in all: plain fields, counted on the hot path and read when scraped
 * (kafka_server_brokertopicmetrics_*).
 */
export class TopicTraffic {
  readonly topics = new Map<string, TopicCounters>()
  readonly all: TopicCounters = newCounters()
  produceRequests = 0
  fetchRequests = 0

  produced(topic: string, messages: number, bytes: number): void {
    const counters = this.#of(topic)
    counters.messagesIn += messages
    counters.bytesIn += bytes
    this.all.messagesIn += messages
    this.all.bytesIn += bytes
  }

  produceFailed(): void {
    this.all.failedProduceRequests++
  }

  fetched(topic: string, bytes: number): void {
    this.#of(topic).bytesOut += bytes
    this.all.bytesOut += bytes
  }

  /** Fetched by a follower. */
  givenToFollower(topic: string, bytes: number): void {
    this.#of(topic).replicationBytesOut += bytes
    this.all.replicationBytesOut += bytes
  }

  /** Fetched from a leader. */
  copied(topic: string, bytes: number): void {
    this.#of(topic).replicationBytesIn += bytes
    this.all.replicationBytesIn += bytes
  }

  fetchFailed(): void {
    this.all.failedFetchRequests++
  }

  /** A deleted topic's counters go with it, so that their number stays bounded by the topics there are. */
  forget(topic: string): void {
    this.topics.delete(topic)
  }

  #of(topic: string): TopicCounters {
    let counters = this.topics.get(topic)
    if (counters === undefined) {
      counters = newCounters()
      this.topics.set(topic, counters)
    }
    return counters
  }
}

export interface TopicCounters {
  messagesIn: number
  bytesIn: number
  bytesOut: number
  replicationBytesIn: number
  replicationBytesOut: number
  failedProduceRequests: number
  failedFetchRequests: number
}

function newCounters(): TopicCounters {
  return {
    messagesIn: 0,
    bytesIn: 0,
    bytesOut: 0,
    replicationBytesIn: 0,
    replicationBytesOut: 0,
    failedProduceRequests: 0,
    failedFetchRequests: 0,
  }
}
