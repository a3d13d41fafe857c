// Where the relay software keeps its events: an array in NIP-01 order. Every event stays, replaced
// and deleted ones too, so that what the relay was given is what an archive of it must hold.

import { EventRepository, EventUtils } from '@nostr-relay/common';

const DEFAULT_LIMIT = 100;

function order(a, b) {
    return b.created_at - a.created_at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function tagsMatch(event, filter) {
    return Object.entries(filter).every(
        ([key, values]) =>
            !key.startsWith('#') ||
            event.tags.some(([name, value]) => name === key.slice(1) && values.includes(value)),
    );
}

export class MemoryRepository extends EventRepository {
    #byId = new Map();
    #sorted = [];
    #dirty = false;

    constructor(maxLimit) {
        super();
        this.maxLimit = maxLimit;
    }

    get size() {
        return this.#byId.size;
    }

    has(id) {
        return this.#byId.has(id);
    }

    isSearchSupported() {
        return false;
    }

    async upsert(event) {
        if (this.#byId.has(event.id)) return { isDuplicate: true };
        this.#byId.set(event.id, event);
        this.#sorted.push(event);
        this.#dirty = true;
        return { isDuplicate: false };
    }

    async deleteByDeletionRequest(event) {
        await this.upsert(event);
    }

    async find(filter) {
        const limit = Math.min(filter.limit ?? DEFAULT_LIMIT, this.maxLimit);
        const found = [];
        for (const event of this.#candidates(filter)) {
            if (found.length >= limit) break;
            if (EventUtils.isMatchingFilter(event, filter) && tagsMatch(event, filter)) found.push(event);
        }
        return found;
    }

    #candidates(filter) {
        if (filter.ids) {
            return filter.ids.flatMap(id => this.#byId.get(id) ?? []).sort(order);
        }
        if (this.#dirty) {
            this.#sorted.sort(order);
            this.#dirty = false;
        }
        return this.#until(filter.until);
    }

    *#until(until = Infinity) {
        let low = 0;
        let high = this.#sorted.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (this.#sorted[middle].created_at > until) low = middle + 1;
            else high = middle;
        }
        for (; low < this.#sorted.length; low++) yield this.#sorted[low];
    }
}
