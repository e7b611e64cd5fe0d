# A forum on ActiveRecord. Run by forum_rails.py, which holds the labels: ruby forum_rails.rb HOST USER DATABASE PREFIX
require "active_record"

HOST, USER, DATABASE, PREFIX = ARGV

class User < ActiveRecord::Base
  has_many :posts, foreign_key: :author_id
  has_many :memberships
  has_many :groups, through: :memberships
  validates :email, uniqueness: true
end
class Board < ActiveRecord::Base
  has_many :posts
end
class Post < ActiveRecord::Base
  belongs_to :board
  belongs_to :author, class_name: "User"
  has_many :comments, as: :commentable
  has_many :replies
  has_many :likes
end
class Event < ActiveRecord::Base
  belongs_to :host, class_name: "User"
  has_many :comments, as: :commentable
end
class Comment < ActiveRecord::Base
  belongs_to :commentable, polymorphic: true
  belongs_to :user
end
class Reply < ActiveRecord::Base
  belongs_to :post
  belongs_to :parent, class_name: "Reply", optional: true
  has_many :children, class_name: "Reply", foreign_key: :parent_id
end
class Like < ActiveRecord::Base
  belongs_to :post
  belongs_to :user
end
class Group < ActiveRecord::Base
  has_many :memberships
  has_many :users, through: :memberships
end
class Membership < ActiveRecord::Base
  belongs_to :group
  belongs_to :user
end

def below(reply)
  reply.children.sum { |child| 1 + below(child) }
end

CASES = {
  "index" => -> { Post.order(:id).limit(20).each { |post| post.author.name } },
  "board_names" => -> { Post.order(:id).limit(25).each { |post| post.board.title } },
  "hosts" => -> { Event.limit(20).each { |event| event.host.name } },
  "comments_of_posts" => -> { Post.order(:id).limit(15).each { |post| post.comments.to_a } },
  "commentables" => -> { Comment.order(:id).limit(30).each { |comment| comment.commentable.title } },
  "groups_of_users" => -> { User.order(:id).limit(15).each { |user| user.groups.map(&:name) } },
  "members" => -> { Group.limit(12).each { |group| group.users.to_a } },
  "likes_count" => -> { Post.order(:id).limit(15).each { |post| post.likes.count } },
  "liked" => -> { Post.order(:id).limit(15).each { |post| post.likes.where(user_id: 7).exists? } },
  "first_like" => -> { Post.order(:id).limit(15).each { |post| post.likes.first } },
  "boards_posts_authors" => -> { Board.limit(5).each { |board| board.posts.limit(6).each { |post| post.author.name } } },
  "tree" => -> { Reply.where(parent_id: nil).order(:id).limit(6).each { |reply| below(reply) } },
  "upwards" => -> { Reply.where("id > 300").limit(20).each { |reply| reply.parent.body } },
  "plucked" => -> { Post.order(:id).limit(12).pluck(:author_id).each { |key| User.find(key) } },
  "in_batches" => -> { Event.find_each(batch_size: 30) { |event| event.host.name } },
  "views" => -> { Post.order(:id).limit(10).each { |post| post.increment!(:views) } },
  "includes" => -> { Post.includes(:author, :comments).order(:id).limit(40).each { |post| post.comments.size } },
  "eager_load" => -> { Post.eager_load(:board).order(:id).limit(40).each { |post| post.board.title } },
  "find_each" => -> { Post.find_each(batch_size: 50) { |post| post.title } },
  "update_all" => -> { Post.in_batches(of: 60).update_all("views = views + 1") },
  "insert_all" => -> { Like.insert_all((1..100).map { |n| { post_id: n, user_id: 1 } }) },
  "sign_up" => -> { 8.times { |n| User.create!(name: "n", email: "#{n}-#{Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)}") } },
  "show" => lambda do
    10.times do |n|
      User.find(n + 3)
      Post.find(n * 5 + 1).comments.to_a
      sleep 0.02
    end
  end,
  "cached" => -> { Post.cache { Post.order(:id).limit(20).each { |post| post.board.title; Board.find(1) } } },
}

CASES.each do |name, run|
  ActiveRecord::Base.establish_connection(
    adapter: "postgresql", host: HOST, username: USER, database: DATABASE, variables: { application_name: PREFIX + name }
  )
  3.times do
    run.call
    sleep 0.3
  end
  ActiveRecord::Base.remove_connection
end
