# Sidekiq as a peer: the job that its worker runs, and the proof that it ran.
#
# A handler run leaves two 24-byte records in $REC/<pid>.rec: sequence (u64),
# CLOCK_MONOTONIC nanoseconds (u64), kind (u32), process (u32), little-endian.
# They are appended with one write when the handler ends.

require 'sidekiq'

Sidekiq.configure_server { |config| config.redis = { url: ENV.fetch('REDIS_URL') } }
Sidekiq.configure_client { |config| config.redis = { url: ENV.fetch('REDIS_URL') } }

module Record
  ENQUEUE = 0
  START = 1
  FINISH = 2

  # Opened when the file is loaded, before Sidekiq's threads could race for it.
  FILE = File.open(File.join(ENV.fetch('REC'), "#{Process.pid}.rec"), File::WRONLY | File::APPEND | File::CREAT)

  def self.entry(sequence, kind)
    [sequence, Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond), kind, Process.pid].pack('Q<Q<L<L<')
  end

  def self.append(records)
    FILE.syswrite(records)
  end
end

class Noop
  include Sidekiq::Worker

  # A no-op job of about 200 bytes of JSON.
  def self.job(sequence)
    { 'sequence' => sequence, 'padding' => 'x' * 164 }
  end

  def perform(job)
    Record.append(Record.entry(job['sequence'], Record::START) + Record.entry(job['sequence'], Record::FINISH))
  end
end
