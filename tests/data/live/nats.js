// NATS over a WebSocket, with a key that does not leave the browser. docs/live-collaboration.md says what it shows.

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const USER = 20 << 3;

function base32(bytes) {
  let bits = 0, value = 0, text = "";
  for (const byte of bytes) {
    value = (value << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(value >>> (bits - 5)) & 31];
    value &= (1 << bits) - 1;
  }
  return bits ? text + ALPHABET[(value << (5 - bits)) & 31] : text;
}

function checksum(bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return [crc & 255, crc >> 8];
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

// A user's key pair; `name` is what a token names.
export async function newKey() {
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const raw = joined([USER], new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
  const sign = async (text) => base64url(new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, encoder.encode(text))));
  return { name: base32(joined(raw, checksum(raw))), sign };
}

export class Connection {
  // Resolves once the token is accepted; rejects with the server's words, or "closed".
  static async open(url, key, token) {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    const made = new Connection(socket, key);
    await made.ready(token);
    return made;
  }

  constructor(socket, key) {
    Object.assign(this, { socket, key, buffer: new Uint8Array(), handlers: new Map(), waiting: new Map(), errors: [], next: 1 });
    this.inbox = `_INBOX.${key.name}`;
    this.ended = new Promise((resolve) => { this.socket.onclose = () => resolve(this.errors.join("; ") || "closed"); });
    this.socket.onmessage = (event) => this.#take(new Uint8Array(event.data));
  }

  async ready(token) {
    const welcomed = new Promise((resolve) => { this.onInfo = resolve; });
    const ended = this.ended.then((why) => { throw new Error(why); });
    ended.catch(() => {});
    const info = await Promise.race([welcomed, ended]);
    const login = {
      jwt: token, sig: await this.key.sign(info.nonce), verbose: false, pedantic: false, protocol: 1,
      headers: true, no_responders: true, echo: false, lang: "page", version: "1",
    };
    this.#send(`CONNECT ${JSON.stringify(login)}\r\n`);
    await Promise.race([this.flush(), ended]);
    this.#send(`SUB ${this.inbox}.> inbox\r\n`);
  }

  flush() {
    const answered = new Promise((resolve) => { this.onPong = resolve; });
    this.#send("PING\r\n");
    return answered;
  }

  subscribe(subject, handler) {
    const number = String(this.next++);
    this.handlers.set(number, handler);
    this.#send(`SUB ${subject} ${number}\r\n`);
    return this.flush();
  }

  publish(subject, data, { headers = {}, reply = "" } = {}) {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const head = lines ? encoder.encode(`NATS/1.0\r\n${lines}\r\n`) : new Uint8Array();
    const sizes = lines ? `${head.length} ${head.length + data.length}` : `${data.length}`;
    const command = encoder.encode(`${lines ? "HPUB" : "PUB"} ${subject} ${reply ? `${reply} ` : ""}${sizes}\r\n`);
    this.#send(joined(command, head, data, [13, 10]));
  }

  request(subject, data = new Uint8Array(), headers = {}, milliseconds = 5000) {
    const reply = `${this.inbox}.${this.next++}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no answer")), milliseconds);
      this.waiting.set(reply, (message) => { clearTimeout(timer); resolve(message); });
      this.publish(subject, data, { headers, reply });
    }).finally(() => this.waiting.delete(reply));
  }

  close() {
    this.socket.close();
  }

  #send(data) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(typeof data === "string" ? encoder.encode(data) : data);
  }

  #take(data) {
    this.buffer = joined(this.buffer, data);
    for (;;) {
      const end = this.buffer.findIndex((byte, place) => byte === 13 && this.buffer[place + 1] === 10);
      if (end < 0) return;
      const line = decoder.decode(this.buffer.subarray(0, end));
      const words = line.split(/\s+/);
      let used = end + 2;
      if (words[0] === "MSG" || words[0] === "HMSG") {
        const size = Number(words.at(-1));
        if (this.buffer.length < used + size + 2) return;
        this.#deliver(words, this.buffer.slice(used, used + size), words[0] === "HMSG" ? Number(words.at(-2)) : 0);
        used += size + 2;
      } else if (words[0] === "INFO") {
        this.onInfo?.(JSON.parse(line.slice(5)));
      } else if (words[0] === "PING") {
        this.#send("PONG\r\n");
      } else if (words[0] === "PONG") {
        this.onPong?.();
      } else if (words[0] === "-ERR") {
        this.errors.push(line.slice(5).replaceAll("'", ""));
      }
      this.buffer = this.buffer.slice(used);
    }
  }

  #deliver(words, payload, head) {
    const [first, ...lines] = decoder.decode(payload.subarray(0, head)).split("\r\n");
    const headers = Object.fromEntries(lines.filter(Boolean).map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }));
    const message = { subject: words[1], data: payload.slice(head), headers, status: first.split(" ")[1] };
    if (words[2] === "inbox") this.waiting.get(words[1])?.(message);
    else this.handlers.get(words[2])?.(message);
  }
}
